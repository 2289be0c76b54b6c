import { createPageReader, type ForeignSample } from '../compare/page.ts'
import { render, tableNames } from '../exposition/render.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { breather } from '../runtime/breathe.ts'

/** What Prometheus would have stored of pages that it scraped one step after the other. */
export interface ScrapedSeries {
  /** One scrape: of a page, or of nobody, and then every series ends. */
  scrape(page: Snapshot | undefined): Promise<void>
  /** In the notation of `promtool test rules`; others run in between. */
  done(): Promise<readonly InputSeries[]>
}

export interface InputSeries {
  readonly series: string
  readonly values: string
  /** Of the label `consumer`, or of those that other exporters have in its place. */
  readonly consumer: string | undefined
}

export interface ScrapeOptions {
  readonly metrics: ReadonlySet<string>
  /** Unix seconds that become 0: promtool's time begins there. */
  readonly epoch: number
  /** Steps before the first scrape. */
  readonly lead: number
}

const target = { job: 'lagkeeper', instance: 'replay' }
const MOST_SAMPLES = 10_000_000

/** A series while it grows: words that are said, and what is being repeated. */
interface Growing {
  readonly consumer: string | undefined
  readonly words: string[]
  value: string | undefined
  count: number
  /** Steps that it has. */
  steps: number
}

export function createScrapes({ metrics, epoch, lead }: ScrapeOptions): ScrapedSeries {
  const all = new Map<string, Growing>()
  const breathe = breather()
  let steps = lead

  function put(name: string, labels: ReadonlyMap<string, string>, value: string): void {
    const key = seriesText(name, labels)
    const one = all.get(key) ?? begin(key, labels)
    extend(one, steps)
    add(one, value, 1)
  }

  function begin(key: string, labels: ReadonlyMap<string, string>): Growing {
    const consumer = labels.get('consumer') ?? labels.get('consumergroup') ?? labels.get('group')
    const one = { consumer, words: [], value: undefined, count: 0, steps: 0 }
    all.set(key, one)
    return one
  }

  return {
    scrape: async (snapshot) => {
      if (metrics.has('up')) put('up', new Map(), snapshot === undefined ? '0' : '1')
      for (const { name, labels, value } of snapshot === undefined ? [] : await samplesOf(snapshot, metrics)) {
        put(name, labels, String(name.endsWith('_timestamp_seconds') ? value - epoch : value))
        await breathe()
      }
      steps++
    },
    done: async () => {
      const series: InputSeries[] = []
      for (const [text, one] of all) {
        extend(one, steps)
        say(one)
        series.push({ series: text, values: one.words.join(' '), consumer: one.consumer })
        await breathe()
      }
      return series
    },
  }
}

async function samplesOf(snapshot: Snapshot, families: ReadonlySet<string>): Promise<readonly ForeignSample[]> {
  const breathe = breather()
  const reader = createPageReader((name) => families.has(name), MOST_SAMPLES)
  const decoder = new TextDecoder()
  for (const chunk of render([snapshot], { tables: tableNames, families })) {
    reader.push(decoder.decode(chunk, { stream: true }))
    await breathe()
  }
  return reader.end().samples
}

/** Steps without a sample, up to the one that comes now. */
function extend(one: Growing, steps: number): void {
  if (one.steps < steps) add(one, undefined, steps - one.steps)
}

function add(one: Growing, value: string | undefined, count: number): void {
  if (one.count > 0 && one.value !== value) say(one)
  one.value = value
  one.count += count
  one.steps += count
}

/** `1 1 1`, then nothing for two steps: `1+0x2 stale _`. What ends gets a marker, as a scrape without it writes. */
function say(one: Growing): void {
  const { words, value, count } = one
  one.count = 0
  if (count === 0) return
  if (value !== undefined) {
    words.push(count === 1 ? value : `${value}+0x${count - 1}`)
    return
  }
  const isEnd = words.length > 0
  if (isEnd) words.push('stale')
  const rest = isEnd ? count - 1 : count
  if (rest > 0) words.push(rest === 1 ? '_' : `_x${rest}`)
}

function seriesText(name: string, labels: ReadonlyMap<string, string>): string {
  const pairs = [...labels, ...Object.entries(target)].map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return `${name}{${pairs.join(',')}}`
}
