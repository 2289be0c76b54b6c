import type { Seen } from './known-ports.ts'
import type { Sought } from './sought.ts'

/** What came of looking at every port, as a sentence. */
export function whyNone({ host, ports, wanted }: Sought, answers: readonly Seen[]): string {
  const where = `${ports.length === 1 ? 'port' : 'ports'} ${portsText(ports)} of "${host}"`
  const count = (kinds: readonly string[]): number => answers.filter(({ head }) => kinds.includes(head.kind)).length
  const closed = count(['nobody'])
  const others = count(['taskmanager', 'jobmanager', 'stranger'])
  const mute = count(['unknown'])
  if (closed === answers.length) return `nothing listens on ${where}`
  if (others === answers.length)
    return answers.length === 1
      ? `another process has ${where}`
      : `all ${answers.length} ${where} are taken by other processes: the range is exhausted`
  const parts = [
    ...(others > 0 ? [`${others} belong to other processes`] : []),
    ...(closed > 0 ? [`${closed} are closed`] : []),
    ...(mute > 0 ? [`${mute} gave no answer in time`] : []),
  ]
  const what = wanted.kind === 'taskmanager' ? 'its tm_id' : 'its jobs'
  return `none of ${where} shows ${what}: ${parts.join(', ')}`
}

/** Ports as people write them: `9250-9260`, `9249, 9260-9270`. */
function portsText(ports: readonly number[]): string {
  const sorted = [...new Set(ports)].sort((a, b) => a - b)
  const runs: string[] = []
  for (let at = 0; at < sorted.length; ) {
    let end = at
    while (sorted[end + 1] === sorted[end]! + 1) end++
    runs.push(end === at ? String(sorted[at]) : `${sorted[at]}-${sorted[end]}`)
    at = end + 1
  }
  return runs.join(', ')
}
