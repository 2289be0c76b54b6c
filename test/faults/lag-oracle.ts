import { setTimeout as sleep } from 'node:timers/promises'
import { parsePage, type Sample } from '../../bench/conformance/page.ts'

/** What may be printed of a partition: a closed range, or nothing at all. */
export type AllowedLag = { readonly least: bigint; readonly most: bigint } | 'none'

export interface LagWatchOptions {
  /** Of the page of metrics. */
  readonly url: string
  /** What may be printed now, by `consumer/topic/partition`; what is not in it may never be printed. */
  readonly allowed: () => ReadonlyMap<string, AllowedLag>
  /** How long a number may be printed after it was true: the interval, the cycle, and what is held by design. */
  readonly heldForMs: number
  /** Gets every page that was read. */
  readonly onPage?: (page: readonly Sample[]) => Promise<void>
}

interface LagVerdict {
  readonly scrapes: number
  readonly samples: number
  /** Each kind once, with the first value that was seen. */
  readonly wrong: readonly string[]
}

export interface LagWatch {
  /** Scrapes once more, and says what was wrong since the start. */
  stop(): Promise<LagVerdict>
}

/** What was allowed, and when that was seen last. */
interface Moment {
  at: number
  readonly allowed: ReadonlyMap<string, AllowedLag>
}

const everyMs = 1_000
/** What is allowed for less than this may be missed. */
const lookEveryMs = 20

/**
 * Scrapes once a second and judges every lag: each must have been allowed at some moment of the last `heldForMs`, and no
 * sum may be below what its partitions had at the least. A number that is not there is never wrong here.
 */
export function watchLags({ url, allowed, heldForMs, onPage }: LagWatchOptions): LagWatch {
  const ending = new AbortController()
  const wrong = new Map<string, string>()
  let moments: Moment[] = []
  let scrapes = 0
  let samples = 0

  function look(): void {
    const at = performance.now()
    const now = allowed()
    const last = moments.at(-1)
    if (last !== undefined && areSame(last.allowed, now)) last.at = at
    else moments.push({ at, allowed: new Map(now) })
  }

  async function scrape(): Promise<void> {
    const at = performance.now()
    look()
    const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) })
    const page = parsePage(await answer.text())
    await onPage?.(page)
    // What was done while the page was made counts too.
    look()
    moments = moments.filter((moment) => moment.at >= at - heldForMs)
    scrapes++
    for (const { name, labels, value } of page) {
      const judge = judges[name]
      if (judge === undefined) continue
      samples++
      const { consumer = '', topic = '', partition = '' } = labels
      const problem = judge(moments, { consumer, topic, partition }, value)
      if (problem !== undefined && !wrong.has(problem)) wrong.set(problem, value)
    }
  }

  async function scrapeUntilStopped(): Promise<void> {
    while (!ending.signal.aborted) {
      try {
        await scrape()
      } catch (error) {
        wrong.set(`no page that can be read: ${error instanceof Error ? error.message : error}`, '')
      }
      await sleep(everyMs, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  }

  const looking = setInterval(look, lookEveryMs)
  const watching = scrapeUntilStopped()
  return {
    stop: async () => {
      ending.abort()
      await watching
      clearInterval(looking)
      await scrape()
      return { scrapes, samples, wrong: [...wrong].map(([what, value]) => `${what} (first ${value})`) }
    },
  }
}

function areSame(some: Moment['allowed'], others: Moment['allowed']): boolean {
  if (some.size !== others.size) return false
  for (const [key, one] of some) {
    const other = others.get(key)
    if (one === other) continue
    if (one === 'none' || other === 'none' || other === undefined) return false
    if (one.least !== other.least || one.most !== other.most) return false
  }
  return true
}

interface Labels {
  readonly consumer: string
  readonly topic: string
  readonly partition: string
}

type Judge = (moments: readonly Moment[], labels: Labels, value: string) => string | undefined

const judges: Readonly<Record<string, Judge>> = {
  stream_consumer_records_lag: judgeLag,
  stream_consumer_topic_records_lag: (moments, { consumer, topic }, value) =>
    judgeSum(moments, `${consumer}/${topic}`, `${consumer}/${topic}/`, 1, value),
  stream_consumer_total_records_lag: (moments, { consumer }, value) =>
    judgeSum(moments, consumer, `${consumer}/`, 2, value),
}

function judgeLag(moments: readonly Moment[], labels: Labels, value: string): string | undefined {
  const key = `${labels.consumer}/${labels.topic}/${labels.partition}`
  if (!/^\d+$/.test(value)) return `${key}: no whole number`
  const lag = BigInt(value)
  const known = moments.flatMap(({ allowed }) => allowed.get(key) ?? [])
  if (known.length === 0) return `${key}: nobody reads it`
  if (known.some((one) => one !== 'none' && one.least <= lag && lag <= one.most)) return undefined
  return `${key}: not its lag at any time since it could be held`
}

function judgeSum(
  moments: readonly Moment[],
  name: string,
  prefix: string,
  parts: number,
  value: string,
): string | undefined {
  if (!/^\d+$/.test(value)) return `sum of ${name}: no whole number`
  // Of each partition the least that it had at any moment; one that had no lag, or was not there, may have added nothing.
  const least = new Map<string, bigint>()
  for (const { allowed } of moments)
    for (const [key, one] of allowed) {
      if (!key.startsWith(prefix) || key.slice(prefix.length).split('/').length !== parts) continue
      const now = one === 'none' ? 0n : one.least
      const before = least.get(key) ?? (moments[0]?.allowed.has(key) === true ? now : 0n)
      least.set(key, now < before ? now : before)
    }
  const floor = [...least.values()].reduce((sum, one) => sum + one, 0n)
  return BigInt(value) < floor ? `sum of ${name}: understated` : undefined
}
