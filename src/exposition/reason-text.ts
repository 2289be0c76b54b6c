import type { Reason } from '../model/reason.ts'

/** Each reason as a sentence for people: what it means, and where one would look. */
export const reasonText: Readonly<Record<Reason, string>> = {
  no_position:
    'The consumer has no position for this partition: it has never committed one, or it has expired; of a Flink job: no subtask reads it, or its source has not read a record since it started',
  position_beyond_end:
    'The position lies beyond the log end in two cycles running, so one of the two is not of this log',
  topic_recreated: 'The topic was deleted and created again; the position belongs to its former life',
  truncated: 'The log was truncated below the position, as after an unclean leader election',
  topic_deleted: 'The topic does not exist any more; the position is left over',
  end_unknown: 'The log start or the log end could not be read in this cycle',
  coordinator_loading: 'The coordinator of the group was still loading its positions',
  unauthorized: 'The broker refused: the principal may not describe the group or the topic',
  unsupported: 'The broker is too old or too different to tell',
  ambiguous_topic: 'Several topics fit the filtered name that the source shows',
  incomplete:
    'The answer lacked partitions that members of the group are assigned; of a Flink job: not every subtask that reads was seen on a page',
  read_failed: 'The read failed in this cycle',
  timeout: 'No answer came within the time that the cycle has',
  stale: 'What the source shows is older than it may be',
  control_records_suspected:
    'The lag stands still and is at most 1 on a topic with transactions: it may be a control record that nobody reads',
  control_records:
    'What lies between the position and the log end is nothing but ends of transactions, which no consumer is ever given: there is nothing to read',
  dropped: 'A limit of the configuration leaves this row out',
}
