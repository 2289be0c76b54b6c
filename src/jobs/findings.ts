import type { FindingKind } from '../model/finding.ts'
import { checkpointOverdue } from './checkpoint-overdue.ts'
import { checkpointingOff } from './checkpointing-off.ts'
import { disconnectedParts } from './disconnected-parts.ts'
import { endOfLife } from './end-of-life.ts'
import { groupShared } from './group-shared.ts'
import type { Judge } from './judgement.ts'
import { metricsDisabled } from './metrics-disabled.ts'
import { nameNotUnique } from './name-not-unique.ts'
import { noReporter } from './no-reporter.ts'
import { parallelismAbovePartitions } from './parallelism-above-partitions.ts'
import { partitionUnread } from './partition-unread.ts'
import { positionConflict } from './position-conflict.ts'
import { topicReadTwice } from './topic-read-twice.ts'

/** How a kind of finding is made out. */
interface Examination {
  readonly judge: Judge
  /** How long it must be there before it is told: what every restart and every deployment shows for a moment is none. */
  readonly settlesMs: number
}

/** Two readings of all pages and something. */
const PAGES_MS = 120_000
/** KafkaSource looks for new partitions every five minutes where it looks at all. */
const DISCOVERY_MS = 420_000

export const examinations: Readonly<Record<FindingKind, Examination>> = {
  checkpoint_overdue: { judge: checkpointOverdue, settlesMs: 0 },
  partition_unread: { judge: partitionUnread, settlesMs: DISCOVERY_MS },
  no_reporter: { judge: noReporter, settlesMs: 60_000 },
  metrics_disabled: { judge: metricsDisabled, settlesMs: PAGES_MS },
  position_conflict: { judge: positionConflict, settlesMs: PAGES_MS },
  checkpointing_off: { judge: checkpointingOff, settlesMs: 0 },
  group_shared: { judge: groupShared, settlesMs: 0 },
  topic_read_twice: { judge: topicReadTwice, settlesMs: 0 },
  name_not_unique: { judge: nameNotUnique, settlesMs: 60_000 },
  disconnected_parts: { judge: disconnectedParts, settlesMs: 0 },
  parallelism_above_partitions: { judge: parallelismAbovePartitions, settlesMs: 0 },
  end_of_life: { judge: endOfLife, settlesMs: 0 },
}
