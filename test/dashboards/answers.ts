import type { PrometheusApi } from '../rigs/prometheus-api.ts'
import type { Panel } from './dashboard-file.ts'

/** One series of an answer, named as its legend says. */
export interface Answer {
  readonly refId: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Unix seconds and value; one where the panel asks for the present only. */
  readonly values: readonly (readonly [number, number])[]
}

/** So many seconds before the end, which is in Unix seconds. */
export interface Period {
  readonly end: number
  readonly seconds: number
  readonly step: number
}

/** What a panel gets for its queries with these variables. */
export async function answersOf(
  panel: Panel,
  prometheus: PrometheusApi,
  variables: Variables,
  { end, seconds, step }: Period,
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  for (const { expr, range, refId, legendFormat } of panel.targets) {
    const found = await prometheus.queryRange(
      substitute(expr, variables),
      range === true ? end - seconds : end,
      end,
      step,
    )
    for (const { metric, values } of found) {
      const name = (legendFormat ?? '').replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '').trim()
      answers.push({ refId, name, labels: metric, values: values.map(([time, value]) => [time, Number(value)]) })
    }
  }
  return answers
}

/** Variables and macros of Grafana to what stands in for them. */
export type Variables = Readonly<Record<string, string>>

/** "All" everywhere, scrapes a minute apart. */
export const everything: Variables = {
  kafka_cluster: '.+',
  consumer: '.+',
  topic: '.+',
  partition: '.+',
  flink_cluster: '.+',
  flink_job: '.+',
  slo_window: '1d',
  __rate_interval: '4m',
  __range: '3h',
}

/**
 * @throws Error for a variable that is not given
 */
export function substitute(expression: string, variables: Variables): string {
  return expression.replaceAll(/\$(?:(\w+)|\{(\w+):\w+\})/g, (_, bare?: string, formatted?: string) => {
    const name = bare ?? formatted ?? ''
    const value = variables[name]
    if (value === undefined) throw new Error(`Fill in "${expression}": no value for "$${name}"`)
    return value
  })
}
