import { type Adopted, adoptGroups, commitsOn, type FoundPositions, type OwnCommits } from '../lag/adopt-groups.ts'
import { groupsIn } from '../lag/group-commits.ts'
import { createGroupLinks, type GroupLinks } from '../lag/group-links.ts'
import { createLinkReader, linkLines } from '../lag/link-lines.ts'
import { consumerName } from '../model/consumer.ts'
import type { JobCommits } from '../model/job-commits.ts'
import type { PositionTrace } from '../model/position-trace.ts'
import type { FlinkPages } from '../positions/flink-pages.ts'
import { runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { createKeptFile, type KeptFile, readLines } from './kept-file.ts'

export interface LinkKeeperOptions {
  readonly kafkaCluster: string
  /** Where jobs say what they committed. */
  readonly flinkPages: Pick<FlinkPages, 'commits' | 'trace'>
  /** Whether somebody looks at this Flink cluster; when absent, at each. */
  readonly isFlinkCluster?: (name: string) => boolean
  /** Where the links outlive the process; absent: nowhere. */
  readonly file?: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Knows which groups of one Kafka cluster are of Flink jobs, over restarts, and shows them as these jobs. */
export interface LinkKeeper {
  /**
   * Takes what an earlier process left. A file that cannot be used is told of, and the links are learned anew. Rejects
   * only when the signal aborts.
   */
  load(signal: AbortSignal): Promise<void>
  /** One cycle: learns, and adopts; others run in between. */
  adopt(found: FoundPositions): Promise<Adopted>
  /** False for the consumer of a job whose Flink cluster nobody looks at any more: it is not missed. */
  isKept(consumer: string): boolean
  /** The groups that each job owns, by its consumer. */
  groups(): ReadonlyMap<string, readonly string[]>
  /** How the position of a job came to be, the commits of its groups included; undefined for what is no job. */
  trace(consumer: string, topic: string, partition: number): Promise<PositionTrace | undefined>
  /** Waits until what was learned is saved, two seconds at most. */
  close(): Promise<void>
}

const MAX_FILE_BYTES = 16 << 20
const says = {
  beginsAnew: 'Groups of jobs are learned anew',
  notSaved: 'Groups of jobs not saved',
  savedAgain: 'Groups of jobs are saved again',
} as const

export function createLinkKeeper(options: LinkKeeperOptions): LinkKeeper {
  const { kafkaCluster, flinkPages, isFlinkCluster = () => true, file, clock, logger } = options
  const isKept = (consumer: string): boolean => isFlinkCluster(flinkClusterOf(consumer))
  const kept =
    file === undefined ? undefined : createKeptFile({ path: file, mostBytes: MAX_FILE_BYTES, says, clock, logger })
  let links: GroupLinks = createGroupLinks([], clock.monotonic())
  let commits: OwnCommits = new Map()
  let saved = ''
  let saving: Promise<void> | undefined

  function saveSoon(): void {
    if (kept === undefined || saving !== undefined) return
    const lines = [...linkLines(kafkaCluster, links.learned())]
    const text = lines.join('')
    if (text === saved) return
    saving = save(kept, lines, text).finally(() => {
      saving = undefined
    })
  }

  async function save(into: KeptFile, lines: readonly string[], text: string): Promise<void> {
    if (await into.save(lines)) saved = text
  }

  return {
    load: async (signal) =>
      kept?.load(async (text) => {
        links = createGroupLinks(await readLines(text, createLinkReader(kafkaCluster)), clock.monotonic())
        saved = text
      }, signal),
    adopt: async (found) => {
      const jobs = flinkPages.commits()
      const owners = links.owners()
      const configured = new Set(jobs.flatMap(({ group }) => (group === undefined ? [] : [consumerName(group)])))
      const mayBeOwned = (name: string): boolean => owners.has(name) || configured.has(name)
      const groups = await runInTurns(groupsIn(found.batches, topicsOf(jobs), mayBeOwned))
      await runInTurns(links.update(groups, jobs, clock.monotonic(), isKept))
      saveSoon()
      const byName = new Map(jobs.map((job) => [job.consumer, job]))
      const adopted = await runInTurns(adoptGroups(found, links.owners(), byName))
      commits = adopted.commits
      return adopted
    },
    isKept,
    groups: () => {
      const byConsumer = new Map<string, string[]>()
      for (const [group, consumer] of links.owners())
        byConsumer.set(consumer, [...(byConsumer.get(consumer) ?? []), group])
      return byConsumer
    },
    trace: async (consumer, topic, partition) => {
      const own = commitsOn(commits, consumer, topic, partition)
      const trace = await flinkPages.trace(consumer, topic, partition)
      if (trace === undefined && !commits.has(consumer)) return undefined
      const [commit] = own.toSorted((a, b) => (a.offset < b.offset ? -1 : 1))
      const base: PositionTrace = trace ?? {
        flinkCluster: flinkClusterOf(consumer),
        gauges: [],
        commits: [],
        verdict: 'The job is not known now, only that the group is its own',
      }
      return {
        ...base,
        commits: own,
        verdict:
          commit === undefined
            ? base.verdict
            : base.gaugePosition === undefined
              ? `${base.verdict}; what its group "${commit.group}" committed counts: ${commit.offset}`
              : `${base.verdict}: group "${commit.group}" has committed ${commit.offset}`,
      }
    },
    close: async () =>
      kept?.finish(async () => {
        await saving
        saveSoon()
        await saving
      }),
  }
}

/** The first half of the name of a job's consumer. */
function flinkClusterOf(consumer: string): string {
  return consumer.slice(0, Math.max(0, consumer.indexOf('/')))
}

function topicsOf(jobs: readonly JobCommits[]): ReadonlySet<string> {
  const topics = new Set<string>()
  for (const { operators } of jobs)
    for (const { offsets } of operators)
      for (const gauge of offsets) for (const topic of gauge.topics) topics.add(topic)
  return topics
}
