import { MappingType, type ValueMapping, type ValueMappingResult } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Ranks } from './queries.ts'

/** How a value that stands for a word is shown. */
interface Word {
  readonly text: string
  readonly color: string
}

/** The statuses of a consumer, the worst last. */
export const statuses: readonly Word[] = [
  { text: 'ok', color: 'green' },
  { text: 'unknown', color: 'text' },
  { text: 'lagging', color: 'yellow' },
  { text: 'rewound', color: 'purple' },
  { text: 'stalled', color: 'orange' },
  { text: 'stopped', color: 'red' },
]

export const statusRanks: Ranks = {
  metric: 'stream_consumer_status',
  label: 'status',
  words: statuses.map(({ text }) => [text]),
}

/** What the states of Flink come to, the worst last. */
export const jobConditions: readonly Word[] = [
  { text: 'ended', color: 'text' },
  { text: 'running', color: 'green' },
  { text: 'changing', color: 'yellow' },
  { text: 'unknown', color: 'purple' },
  { text: 'failed', color: 'orange' },
  { text: 'gone', color: 'red' },
]

export const jobRanks: Ranks = {
  metric: 'stream_job_state',
  label: 'state',
  words: [
    ['finished', 'canceled'],
    ['running'],
    ['initializing', 'created', 'reconciling', 'suspended', 'restarting', 'cancelling', 'failing'],
    ['unknown'],
    ['failed'],
    ['gone'],
  ],
}

/** Shows ranks as their words. */
export function wordsOf(words: readonly Word[]): ValueMapping[] {
  const options: Record<string, ValueMappingResult> = {}
  for (const [index, word] of words.entries()) options[index] = { ...word, index }
  return [{ type: MappingType.ValueToText, options }]
}

/** For what is neither good nor bad. */
export const plainYesOrNo: readonly Word[] = [
  { text: 'no', color: 'transparent' },
  { text: 'yes', color: 'transparent' },
]

/** For what should be so. */
export const yesOrNo: readonly Word[] = [
  { text: 'no', color: 'red' },
  { text: 'yes', color: 'green' },
]
