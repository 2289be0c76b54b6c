import { parsePage, type Sample } from '../conformance/page.ts'

/** Where nothing was scraped; Prometheus writes its stale marker at the first of them. */
const gap = undefined

/** What Prometheus would have stored of pages that were scraped one step apart. */
export interface RecordedSeries {
  /** One scrape, of a page or of nobody: then `up` is 0 and every series ends. */
  scrape(page: string | undefined): void
  /** Second of the last scrape at which this source had been read anew. */
  lastSuccess(source: string): number | undefined
  inputSeries(): readonly InputSeries[]
  /** What a family said of a consumer, scrape by scrape; undefined where it said nothing. */
  values(name: string, consumer: string): readonly (number | undefined)[]
}

export interface InputSeries {
  readonly labels: Readonly<Record<string, string>>
  /** The whole series as PromQL spells it. */
  readonly series: string
  /** In the notation of `promtool test rules`. */
  readonly values: string
}

export interface RecordingOptions {
  /** Only these names are kept. */
  readonly names: ReadonlySet<string>
  readonly stepSeconds: number
  /** Unix seconds that become 0: promtool's time begins there. Values of `_timestamp_seconds` move with it. */
  readonly epoch: number
}

/** The daemon stamps it with the time of this machine: it counts as the time of the scrape that finds it changed. */
const stampedByMachine = 'lagkeeper_source_last_success_timestamp_seconds'

const target = { job: 'lagkeeper', instance: 'lagkeeper:10390' }

export function recordSeries({ names, epoch, stepSeconds }: RecordingOptions): RecordedSeries {
  const series = new Map<string, { readonly sample: Sample; readonly values: (string | undefined)[] }>()
  /** By series, the stamp and when it was new. */
  const stamps = new Map<string, { readonly stamp: string; readonly at: number }>()
  let steps = 0

  function put(sample: Sample): void {
    const key = seriesText(sample)
    const values = series.get(key)?.values ?? []
    while (values.length < steps) values.push(gap)
    values.push(stored(sample, key))
    series.set(key, { sample, values })
  }

  function stored({ name, value }: Sample, key: string): string {
    if (name === stampedByMachine) {
      const known = stamps.get(key)
      const at = known?.stamp === value ? known.at : steps * stepSeconds
      stamps.set(key, { stamp: value, at })
      return String(at)
    }
    return name.endsWith('_timestamp_seconds') ? String(Number(value) - epoch) : value
  }

  return {
    scrape(page) {
      put({ name: 'up', labels: {}, value: page === undefined ? '0' : '1' })
      for (const sample of parsePage(page ?? '')) if (names.has(sample.name)) put(sample)
      steps++
    },
    lastSuccess: (source) => {
      const found = [...stamps].find(([key]) => key.includes(`source="${source}"`))
      return found?.[1].at
    },
    values: (name, consumer) => {
      const found = [...series.values()].find(
        ({ sample }) => sample.name === name && sample.labels['consumer'] === consumer,
      )
      const values = (found?.values ?? []).map((value) => (value === undefined ? undefined : Number(value)))
      return Array.from({ length: steps }, (_, step) => values[step])
    },
    inputSeries: () =>
      [...series].map(([text, { sample, values }]) => ({
        labels: sample.labels,
        series: text,
        values: notation(values, steps),
      })),
  }
}

function seriesText({ name, labels }: Sample): string {
  const text = Object.entries({ ...labels, ...target }).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return `${name}{${text.join(',')}}`
}

/** `1 1 1`, then nothing for two steps: `1+0x2 stale _`. */
export function notation(values: readonly (string | undefined)[], steps: number): string {
  const words: string[] = []
  for (let at = 0; at < steps; ) {
    const value = values[at]
    let to = at + 1
    while (to < steps && values[to] === value) to++
    const count = to - at
    if (value !== gap) words.push(count === 1 ? value : `${value}+0x${count - 1}`)
    else {
      const isEnd = at > 0
      if (isEnd) words.push('stale')
      const rest = isEnd ? count - 1 : count
      if (rest > 0) words.push(rest === 1 ? '_' : `_x${rest}`)
    }
    at = to
  }
  return words.join(' ')
}
