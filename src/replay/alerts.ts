import { availableParallelism } from 'node:os'
import type { Snapshot } from '../model/snapshot.ts'
import { UnavailableError } from '../runtime/errors.ts'
import { together } from '../runtime/together.ts'
import { createScrapes, type InputSeries } from './input-series.ts'
import { type FiringStep, type Promtool, tooManySamples } from './promtool.ts'
import { asksForCalendar, mostSamples, type Rules } from './rule-files.ts'
import type { Stretch } from './timeline.ts'

/** An alert as Alertmanager would have got it, and when it was firing. */
export interface FiredAlert {
  /** With `alertname`. */
  readonly labels: ReadonlyMap<string, string>
  readonly stretches: readonly Stretch[]
}

export interface AlertReplay {
  /**
   * The snapshots in their order; Prometheus scrapes the one that is there at its time.
   *
   * @throws UnavailableError when they span more steps than anybody would wait for
   */
  take(snapshot: Snapshot): Promise<void>
  /** @throws UnavailableError when promtool fails */
  evaluate(promtool: Promtool, signal: AbortSignal): Promise<AlertOutcome>
}

export interface AlertOutcome {
  readonly alerts: readonly FiredAlert[]
  /** Runs of the rules, each over some of the consumers: 1 unless there are too many for one. */
  readonly parts: number
}

/** promtool lets a query look at so many samples. */
const MOST_SAMPLES = 10_000
/** Runs of promtool side by side. */
const RUNS = Math.min(4, availableParallelism())
/** Without news for so many steps nothing is scraped any more. */
const MOST_SILENT_STEPS = 3
/** Half a year at 15 s. */
const MOST_STEPS = 1_000_000
const WEEK_SECONDS = 7 * 86_400

/** The page of every cycle as Prometheus would have scraped it, and what rules say about that. */
export function createAlertReplay(rules: Rules, intervalMs: number): AlertReplay {
  const stepSeconds = Math.max(1, Math.round(intervalMs / 1_000))
  const stepMs = stepSeconds * 1_000
  let started:
    | { readonly at: number; readonly lead: number; readonly scrapes: ReturnType<typeof createScrapes> }
    | undefined
  let last: Snapshot | undefined
  let steps = 0

  function start(at: number) {
    const second = Math.floor(at / 1_000)
    // The Unix epoch was a Thursday: moved by whole weeks, hours and days of the week stay what they were.
    const lead = asksForCalendar(rules) ? Math.floor((second % WEEK_SECONDS) / stepSeconds) : 0
    const epoch = second - lead * stepSeconds
    return { at, lead, scrapes: createScrapes({ metrics: rules.metrics, epoch, lead }) }
  }

  return {
    take: async (snapshot) => {
      started ??= start(snapshot.takenAtWall)
      // A step belongs to the cycle before it: half a step of jitter must not make one cycle of two, or none.
      const step = Math.round((snapshot.takenAtWall - started.at) / stepMs)
      if (step > MOST_STEPS)
        throw new UnavailableError(`Replay alerts: ${step} steps of ${stepSeconds} s, expected at most ${MOST_STEPS}`)
      for (; last !== undefined && steps < step; steps++) {
        const age = (started.at + steps * stepMs - last.takenAtWall) / stepMs
        await started.scrapes.scrape(age > MOST_SILENT_STEPS ? undefined : last)
      }
      last = snapshot
    },
    evaluate: async (promtool, signal) => {
      if (started === undefined || last === undefined) return { alerts: [], parts: 0 }
      await started.scrapes.scrape(last)
      steps++
      const { lead, at } = started
      const series = await started.scrapes.done()
      const input = { rules, stepSeconds, from: lead, steps: lead + steps }
      const shared = series.filter(({ consumer }) => consumer === undefined)
      const waiting = consumersOf(series)
      // Rules and series differ too much to say beforehand how many consumers one run may have.
      let atOnce = Math.max(1, Math.floor(MOST_SAMPLES / mostSamples(rules, stepSeconds)))
      const firing: FiringStep[] = []
      let parts = 0
      async function ask(own: readonly InputSeries[], within: AbortSignal): Promise<void> {
        for (const one of await promtool.firing({ ...input, series: [...shared, ...own] }, within)) firing.push(one)
        parts++
      }
      async function work(within: AbortSignal): Promise<void> {
        while (waiting.length > 0) {
          const own = waiting.splice(0, atOnce)
          try {
            await ask(own.flat(), within)
          } catch (error) {
            const isTooMuch = error instanceof UnavailableError && error.message.includes(tooManySamples)
            if (!isTooMuch || own.length < 2) throw error
            waiting.unshift(...own)
            atOnce = Math.min(atOnce, Math.ceil(own.length / 2))
          }
        }
      }
      if (waiting.length === 0) await ask([], signal)
      else await together(signal, new Array<typeof work>(RUNS).fill(work))
      return { alerts: alertsOf(firing, (step) => at + (step - lead) * stepMs, stepMs), parts }
    },
  }
}

/** The series of each consumer. */
function consumersOf(series: readonly InputSeries[]): InputSeries[][] {
  const by = new Map<string, InputSeries[]>()
  for (const one of series) {
    if (one.consumer === undefined) continue
    const some = by.get(one.consumer) ?? []
    by.set(one.consumer, some)
    some.push(one)
  }
  return [...by.values()]
}

/** What fires at one step and the next is one alert. An alert that several parts tell of is the same one. */
function alertsOf(
  firing: readonly FiringStep[],
  timeOf: (step: number) => number,
  stepMs: number,
): readonly FiredAlert[] {
  const found = new Map<string, { readonly labels: Map<string, string>; readonly steps: Set<number> }>()
  for (const { step, labels: all } of firing) {
    const labels = new Map([...all].filter(([label]) => label !== 'alertstate' && label !== '__name__').sort())
    const key = JSON.stringify([...labels])
    const one = found.get(key) ?? { labels, steps: new Set() }
    found.set(key, one)
    one.steps.add(step)
  }
  const alerts = [...found.values()].map(({ labels, steps }) => {
    const stretches: { from: number; to: number }[] = []
    let before: number | undefined
    for (const step of [...steps].sort((a, b) => a - b)) {
      if (before !== step - 1) stretches.push({ from: timeOf(step), to: timeOf(step) })
      stretches.at(-1)!.to = timeOf(step) + stepMs
      before = step
    }
    return { labels, stretches }
  })
  return alerts.sort((a, b) => a.stretches[0]!.from - b.stretches[0]!.from)
}
