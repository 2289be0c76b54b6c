import type { PageReading } from '../flink/flink-page.ts'
import type { Consumer } from '../model/consumer.ts'
import type { Evidence } from '../model/evidence.ts'
import { setOffset } from '../model/offsets.ts'
import { blockColumns, type PositionBatch } from '../model/position-batch.ts'
import type { FlinkJobView } from './flink-job-view.ts'
import type { JobRows } from './flink-rows.ts'

/**
 * The rows of one job as a batch. It counts as taken when the oldest of its pages was, so that no row is shown for longer
 * than it may be; log ends are asked for after all of them.
 *
 * @param now for a job of which no page says a position
 */
export function* flinkBatch(
  view: FlinkJobView,
  { blocks, takenAt }: JobRows,
  pages: Iterable<PageReading>,
  now: number,
): Generator<void, PositionBatch, void> {
  const columns = yield* blockColumns(
    blocks.map(({ topic, rows }) => ({ consumer: 0, topic, rows })),
    ({ value }, at, { position }) => {
      if (position !== undefined) setOffset(value, at, BigInt(position))
    },
  )
  return {
    ...columns,
    topics: blocks.map(({ topic, exact }) => ({ name: topic, exact })),
    evidence: Array.from(pages, pageEvidence),
    takenAt: takenAt ?? now,
    holds: 'position',
    consumers: [flinkConsumer(view)],
  }
}

function flinkConsumer({ consumer, jobId, applicationId, group }: FlinkJobView): Consumer {
  return {
    name: consumer,
    kind: 'flink',
    ...(group === undefined ? {} : { group }),
    jobId,
    ...(applicationId === undefined ? {} : { applicationId }),
  }
}

/** A page has no version and no correlation. */
function pageEvidence({ url, sentAt, takenAt }: PageReading): Evidence {
  return { from: url, api: 'GET', version: 0, correlation: 0, sentAt, receivedAt: takenAt, code: 0 }
}
