import { formatDuration } from '../config/duration.ts'
import { statuses } from '../model/judgement.ts'
import type { Standing } from '../replay/timeline.ts'
import type { ReplayReport } from './replay-report.ts'
import { plain, textTable } from './text-table.ts'

const standings: readonly Standing[] = [...statuses, 'gone']

/** What a replay found, for people. */
export function replayText(report: ReplayReport): string {
  return [...summary(report), ...consumers(report), ...objectives(report), ...alerts(report)].join('\n')
}

function summary({ recording }: ReplayReport): readonly string[] {
  const { kafka_cluster: cluster, from, to, cycles, broken } = recording
  const span = from === undefined || to === undefined ? '' : ` from ${from} to ${to}`
  return [`Kafka cluster ${plain(cluster)}: ${cycles} cycles${span}`, ...(broken === undefined ? [] : [broken]), '']
}

function consumers({ consumers: all }: ReplayReport): readonly string[] {
  const troubled = all.filter(({ changes }) => changes.length > 1 || changes[0]?.status !== 'ok')
  const well = all.length - troubled.length
  const ok = `${well} of ${all.length} consumers and topics were ok all the time`
  if (troubled.length === 0) return [ok, '']
  const columns = ['CONSUMER', 'TOPIC', ...standings.map((status) => status.toUpperCase())]
  const lines = troubled.map(({ consumer, topic, minutes }) => [
    plain(consumer),
    plain(topic),
    ...standings.map((status) => minutesText(minutes[status])),
  ])
  const changes = troubled.flatMap(({ consumer, topic, changes: some }) =>
    some.map(({ at, status, why }) => ({
      at,
      text: `${at}  ${plain(consumer)} ${plain(topic)}: ${status}${why === undefined ? '' : `, ${plain(why)}`}`,
    })),
  )
  changes.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  return [
    'Minutes in each status:',
    textTable(columns, new Set(columns.slice(2)), lines),
    'Changes of status, the first being how each began:',
    ...changes.map(({ text }) => text),
    '',
    ok,
    '',
  ]
}

function objectives({ objectives: all }: ReplayReport): readonly string[] {
  if (all.length === 0) return []
  return [
    'Objectives:',
    ...all.map(({ consumer, topic, owner, severity, broken, pages }) => {
      const of = `${plain(consumer)} ${plain(topic)} (${plain(owner)}, ${severity})`
      const minutes = broken.reduce((sum, one) => sum + one.seconds, 0)
      const was = broken.length === 0 ? 'kept' : `broken ${times(broken.length)}, ${lasting(minutes)} in all`
      if (pages === undefined) return `${of}: ${was}`
      const told = pages.length === 0 ? 'would never have paged' : `would have paged ${times(pages.length)}`
      return `${of}: ${told}; ${was}`
    }),
    '',
  ]
}

function alerts({ alerts: fired, not_replayed: leftOut, parts }: ReplayReport): readonly string[] {
  if (fired === undefined) return []
  const counts = fired.reduce((sum, { fired: some }) => sum + some.length, 0)
  return [
    counts === 0 ? 'No alert would have fired' : `Alerts would have fired ${times(counts)}:`,
    ...fired.flatMap(({ labels: { alertname = '', ...labels }, fired: some }) => [
      `${plain(alertname)} ${times(some.length)}: ${Object.entries(labels)
        .filter(([label]) => label !== 'job')
        .map(([label, value]) => `${label}="${plain(value)}"`)
        .join(', ')}`,
      ...some.map(({ from, seconds }) => `  ${from} for ${lasting(seconds)}`),
    ]),
    ...((leftOut ?? []).length === 0
      ? []
      : [`Not replayed, for they read what no recording has: ${leftOut?.map(({ alert }) => plain(alert)).join(', ')}`]),
    ...((parts ?? 1) > 1
      ? [`Evaluated in ${parts} parts, some consumers each: rules that add up over consumers saw only their part`]
      : []),
    '',
  ]
}

function minutesText(minutes: number | undefined): string {
  return minutes === undefined || minutes === 0 ? '-' : minutes.toFixed(1)
}

function lasting(seconds: number): string {
  return formatDuration(Math.round(seconds) * 1_000)
}

function times(count: number): string {
  return count === 0 ? 'never' : count === 1 ? 'once' : `${count} times`
}
