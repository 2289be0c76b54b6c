/** A series that the rules record for themselves, so that they need no other file. */
export interface Recording {
  readonly record: string
  readonly lines: readonly string[]
}

/** One of the two ways to promise, as an alert compares it. */
export interface Unit {
  readonly unit: 'records' | 'seconds'
  readonly alert: string
  /** The lower edge of the lag. */
  readonly floor: Recording
  readonly summary: string
  /** @param owner as it may stand in a template of Prometheus */
  readonly description: (owner: string) => string
}

const timeLag = 'topic:stream_consumer_time_lag_seconds:last_here'
const recordsLag = 'topic:stream_consumer_topic_records_lag:last_here'
const twice = 'topic:stream_consumer_commit_interval_seconds:twice_here'
const age = 'topic:stream_consumer_commit_age_seconds:min_here'
const tail = 'topic:stream_consumer_topic_records_lag:tail_here'
const excused = 'topic:stream_consumer_commit_age_seconds:excused_here'

/**
 * What the floors are made of, in the order in which one uses the other. The names differ from those in alerts/lag.yaml,
 * which may be loaded beside these rules, and nothing here asks for the series of objectives; everything else is as there
 * (a test holds the two against each other), and there it says why.
 */
export const bases: readonly Recording[] = [
  {
    record: timeLag,
    lines: ['min without (instance, pod) (last_over_time(stream_consumer_time_lag_seconds[5m]))'],
  },
  {
    record: recordsLag,
    lines: ['min without (instance, pod) (last_over_time(stream_consumer_topic_records_lag[5m]))'],
  },
  {
    record: twice,
    lines: [
      'clamp_max(2 * max without (instance, pod) (last_over_time(stream_consumer_commit_interval_seconds[5m])), 1800)',
    ],
  },
  {
    record: age,
    lines: [
      'clamp_min(',
      '  time() - max without (instance, pod) (last_over_time(stream_consumer_position_changed_timestamp_seconds[5m])),',
      '  0',
      ')',
    ],
  },
  {
    record: tail,
    lines: [
      recordsLag,
      '  <= ignoring (state)',
      'max without (instance, pod) (last_over_time(stream_consumer_partitions{state="known"}[5m]))',
    ],
  },
  {
    record: excused,
    lines: [`${age} + ${twice}`, `  and ${tail}`, '  or', `${age} < ${twice}`, '  or', twice],
  },
]

export const units: readonly Unit[] = [
  {
    unit: 'seconds',
    alert: 'LagkeeperTimeLagOverObjective',
    floor: {
      record: 'topic:stream_consumer_time_lag_seconds:floor_here',
      lines: [
        'clamp_min(',
        `  ${timeLag} - ${excused},`,
        '  0',
        ')',
        '  or',
        `min_over_time(${timeLag}[10m])`,
        `  and ${timeLag}`,
        `  unless ${tail}`,
      ],
    },
    summary: 'A consumer is later than its objective allows.',
    description: (owner) =>
      `{{ $labels.consumer }} is {{ $value | humanizeDuration }} behind on topic {{ $labels.topic }} (Kafka cluster {{ $labels.kafka_cluster }}), and has been late for five minutes. What it reads between two commits is not counted. Its objective, owned by ${owner}, allows less.`,
  },
  {
    unit: 'records',
    alert: 'LagkeeperLagOverObjective',
    floor: {
      record: 'topic:stream_consumer_topic_records_lag:floor_here',
      lines: [
        `min_over_time(${recordsLag}[30m])`,
        `  and ${excused} > 600`,
        '  or',
        `min_over_time(${recordsLag}[10m])`,
        `  and ${recordsLag}`,
      ],
    },
    summary: 'A consumer is further behind than its objective allows.',
    description: (owner) =>
      `{{ $labels.consumer }} was never less than {{ $value | humanize }} records behind on topic {{ $labels.topic }} (Kafka cluster {{ $labels.kafka_cluster }}) in the last ten minutes. Its objective, owned by ${owner}, allows less.`,
  },
]
