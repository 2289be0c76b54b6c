import type { KafkaCluster } from '../kafka/cluster.ts'
import { readTails, type Tail, tailKey } from '../kafka/read-control-records.ts'
import {
  type ControlMark,
  markControlRecords,
  type StandingRow,
  standingRows,
  unstableTopics,
} from '../lag/control-records.ts'
import type { Previous } from '../lag/previous.ts'
import type { Catalog } from '../model/catalog.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import type { Problem } from '../model/problem.ts'
import type { SnapshotPart } from '../model/snapshot.ts'
import { runInTurns } from '../runtime/breathe.ts'

interface ControlInput {
  readonly catalog: Catalog
  readonly ends: LogOffsetColumn
  /** Absent when not read. */
  readonly stable: LogOffsetColumn | undefined
  readonly previous: Previous | undefined
}

/** Finds rows whose lag may be, or is, nothing but ends of transactions. */
export interface ControlRecords {
  mark(
    parts: readonly SnapshotPart[],
    input: ControlInput,
    signal: AbortSignal,
  ): Promise<{ readonly parts: readonly SnapshotPart[]; readonly problems: readonly Problem[] }>
}

/** A lag of 1 may be the end of the last transaction; only looking can tell more of them from records. */
const MOST_SUSPECTED = 1
const MOST_LOOKED_AT = 16
/** Partitions that are looked at in one cycle. */
const LOOKS_PER_CYCLE = 200
/** What gave no answer, or may not be looked at, is tried again after so many cycles. */
const AGAIN_CYCLES = 20

interface Look {
  readonly tail: Tail
  readonly cycle: number
}

/**
 * @param mayLook whether to read the batches between a position and a log end; else a row is only suspected, and only
 *   where an open transaction has been seen on its topic
 */
export function createControlRecords(cluster: KafkaCluster, mayLook: boolean): ControlRecords {
  /** Topics on which a transaction was seen, with their ids. */
  const transactional = new Map<string, string | undefined>()
  let looks: ReadonlyMap<string, Look> = new Map()
  let cycle = 0

  const isTransactional = (catalog: Catalog, topic: number): boolean => {
    const { name, id } = catalog.topics[topic]!
    return transactional.has(name) && transactional.get(name) === id
  }

  async function note({ catalog, ends, stable }: ControlInput): Promise<void> {
    if (stable === undefined) return
    for (const topic of await runInTurns(unstableTopics(catalog, ends, stable))) {
      const { name, id } = catalog.topics[topic]!
      transactional.set(name, id)
    }
    if (transactional.size > catalog.topics.length)
      for (const name of transactional.keys()) if (!catalog.topicIndex.has(name)) transactional.delete(name)
  }

  /** Looks at rows that nobody has looked at yet; what stands no longer is forgotten. */
  async function lookAt(rows: readonly StandingRow[], catalog: Catalog, signal: AbortSignal) {
    const known = new Map<string, Look>()
    const open = new Map<string, StandingRow>()
    for (const row of rows) {
      const key = tailKey(row)
      const look = looks.get(key)
      const isFinal = look?.tail === 'control' || look?.tail === 'records'
      if (look !== undefined && (isFinal || cycle - look.cycle < AGAIN_CYCLES)) known.set(key, look)
      else if (open.size < LOOKS_PER_CYCLE) open.set(key, row)
    }
    looks = known
    const { tails, problems } = await readTails(cluster, catalog, [...open.values()], signal)
    for (const [key, tail] of tails) known.set(key, { tail, cycle })
    const denied = new Set(rows.filter((row) => known.get(tailKey(row))?.tail === 'denied').map(({ topic }) => topic))
    return denied.size === 0 ? problems : [...problems, denial([...denied])]
  }

  return {
    mark: async (parts, input, signal) => {
      cycle++
      const { catalog, ends, previous } = input
      await note(input)
      if (previous === undefined) return { parts, problems: [] }
      const wanted = mayLook ? () => true : (topic: number) => isTransactional(catalog, topic)
      const most = mayLook ? MOST_LOOKED_AT : MOST_SUSPECTED
      const rows = await runInTurns(standingRows(parts, catalog, ends, previous, wanted, most))
      const problems = mayLook ? await lookAt(rows, catalog, signal) : []
      const marks: ControlMark[] = []
      for (const at of rows) {
        const tail = mayLook ? looks.get(tailKey(at))?.tail : undefined
        if (tail === 'control') marks.push({ at, isCertain: true })
        else if (tail !== 'records' && isSuspicious(at, catalog)) marks.push({ at, isCertain: false })
      }
      return { parts: markControlRecords(parts, marks), problems }
    },
  }

  function isSuspicious({ topic, position, end }: StandingRow, catalog: Catalog): boolean {
    return end - position <= MOST_SUSPECTED && isTransactional(catalog, catalog.topicIndex.get(topic)!)
  }
}

/** One for all topics: the right is missing for many, or for one. */
function denial(topics: readonly string[]): Problem {
  const [first = ''] = topics
  const others = topics.length === 1 ? '' : ` and ${topics.length - 1} more`
  return {
    reason: 'unauthorized',
    topic: first,
    message: `Control records of topic "${first}"${others}: READ is needed`,
  }
}
