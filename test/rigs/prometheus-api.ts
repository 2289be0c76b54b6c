import { z } from 'zod'

const labels = z.record(z.string(), z.string())

const vectorAnswer = z.object({
  data: z.object({ result: z.array(z.object({ metric: labels, value: z.tuple([z.number(), z.string()]) })) }),
})

const matrixAnswer = z.object({
  data: z.object({ result: z.array(z.object({ metric: labels, values: z.array(z.tuple([z.number(), z.string()])) })) }),
})

const activeTarget = z.object({
  labels,
  discoveredLabels: labels,
  scrapePool: z.string(),
  scrapeUrl: z.string(),
  health: z.string(),
  lastError: z.string(),
})

const targetsAnswer = z.object({ data: z.object({ activeTargets: z.array(activeTarget) }) })

/** One sample: its value as the API gives it, so it may be `NaN` or `+Inf`. */
interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: string
}

interface Series {
  readonly metric: Readonly<Record<string, string>>
  /** Unix seconds and value. */
  readonly values: readonly (readonly [number, string])[]
}

type ActiveTarget = Readonly<z.infer<typeof activeTarget>>

/** The HTTP API of one Prometheus. Every call throws an Error with what Prometheus said when it refuses. */
export interface PrometheusApi {
  /** An instant vector. */
  query(expression: string): Promise<readonly Sample[]>
  /** Times in Unix seconds. */
  queryRange(expression: string, start: number, end: number, stepSeconds: number): Promise<readonly Series[]>
  targets(): Promise<readonly ActiveTarget[]>
  /** Prometheus' own `/metrics`. */
  metrics(): Promise<string>
}

export function createPrometheusApi(url: string): PrometheusApi {
  const ask = async (path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`, limited())
    if (!response.ok) throw new Error(`Ask Prometheus "${path}": ${response.status} ${await response.text()}`)
    return response.json()
  }
  return {
    query: async (query) => {
      const { data } = vectorAnswer.parse(await ask('query', { query }))
      return data.result.map(({ metric, value: [, value] }) => ({ metric, value }))
    },
    queryRange: async (query, start, end, step) => {
      const parameters = { query, start: String(start), end: String(end), step: String(step) }
      return matrixAnswer.parse(await ask('query_range', parameters)).data.result
    },
    targets: async () => targetsAnswer.parse(await ask('targets', { state: 'active' })).data.activeTargets,
    metrics: async () => (await fetch(`${url}/metrics`, limited())).text(),
  }
}

function limited(): RequestInit {
  return { signal: AbortSignal.timeout(30_000) }
}
