import { type Catalog, topicNamed } from '../model/catalog.ts'
import { consumerName } from '../model/consumer.ts'
import type { Evidence } from '../model/evidence.ts'
import { setOffset } from '../model/offsets.ts'
import { blockColumns, type PositionBatch } from '../model/position-batch.ts'
import { KNOWN, type Reason, reasonCode } from '../model/reason.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import type { ZookeeperErrorCode } from '../zookeeper/errors.ts'
import { offsetsPath, type ZookeeperGroup } from './zookeeper-groups.ts'
import type { ReadOffset } from './zookeeper-offset.ts'

/** What ZooKeeper answered for one offset. */
export type OffsetAnswer = ReadOffset | { readonly kind: 'error'; readonly code: ZookeeperErrorCode }

interface Row {
  readonly partition: number
  /** Absent when there is none, for the reason. */
  readonly position?: bigint
  readonly reason: number
}

/**
 * The offsets of all groups as one batch: blocks sorted by topic, rows by partition. A partition that a member owns and
 * that has no offset is a row without a position, and so is every partition of a topic of which we may not see the
 * offsets.
 *
 * @param answerAt by path; nothing for what was not asked for
 */
export async function zookeeperBatch(
  groups: readonly ZookeeperGroup[],
  answerAt: (path: string) => OffsetAnswer | undefined,
  evidence: Evidence,
  catalog: Catalog,
  signal: AbortSignal,
): Promise<PositionBatch> {
  const breathe = breather()
  const blocks: { readonly consumer: number; readonly topic: string; readonly rows: readonly Row[] }[] = []
  for (const [consumer, group] of groups.entries()) {
    for (const topic of topicsOf(group)) {
      const rows = rowsOf(group, topic, answerAt, catalog)
      if (rows.length > 0) blocks.push({ consumer, topic, rows })
      await breathe()
    }
    signal.throwIfAborted()
  }
  const columns = await runInTurns(
    blockColumns(blocks, ({ value }, at, { position }) => {
      if (position !== undefined) setOffset(value, at, position)
    }),
  )
  return {
    ...columns,
    evidence: [evidence],
    takenAt: evidence.receivedAt,
    holds: 'position',
    consumers: groups.map(({ id, members }) => ({
      name: consumerName(id),
      kind: 'zookeeper',
      group: id,
      ...(members === undefined ? {} : { members }),
    })),
  }
}

function topicsOf({ committed, owned }: ZookeeperGroup): readonly string[] {
  return [...new Set([...committed.keys(), ...owned.keys()])].sort()
}

function rowsOf(
  group: ZookeeperGroup,
  topic: string,
  answerAt: (path: string) => OffsetAnswer | undefined,
  catalog: Catalog,
): readonly Row[] {
  const rows = new Map<number, Row>()
  const unlisted = group.unlisted.get(topic)
  if (unlisted !== undefined) {
    const { partitions = 0 } = topicNamed(catalog, topic) ?? {}
    const reason = reasonCode(reasonOf(unlisted))
    for (let partition = 0; partition < partitions; partition++) rows.set(partition, { partition, reason })
  }
  for (const partition of group.committed.get(topic) ?? []) {
    const row = rowOf(partition, answerAt(offsetsPath(group.id, topic, partition)))
    if (row !== undefined) rows.set(partition, row)
  }
  for (const partition of group.owned.get(topic) ?? [])
    if (!rows.has(partition)) rows.set(partition, { partition, reason: reasonCode('no_position') })
  return [...rows.values()].sort((a, b) => a.partition - b.partition)
}

/** Nothing for an offset that was deleted before it could be read. */
function rowOf(partition: number, answer: OffsetAnswer | undefined): Row | undefined {
  switch (answer?.kind) {
    case undefined:
      return undefined
    case 'position':
      return { partition, position: answer.position, reason: KNOWN }
    case 'none':
      return { partition, reason: reasonCode('no_position') }
    case 'nonsense':
      return { partition, reason: reasonCode('read_failed') }
    case 'error':
      return answer.code === 'NO_NODE' ? undefined : { partition, reason: reasonCode(reasonOf(answer.code)) }
  }
}

/** Why a number is missing after ZooKeeper refused to read a znode, or can only say what it was. */
export function reasonOf(code: ZookeeperErrorCode): Reason {
  if (code === 'NOT_READ_ONLY') return 'stale'
  const isRefused = code === 'NO_AUTH' || code === 'AUTH_FAILED' || code === 'SESSION_CLOSED_REQUIRE_SASL_AUTH'
  return isRefused ? 'unauthorized' : 'read_failed'
}
