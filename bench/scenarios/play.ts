import { questions } from './accounts.ts'
import { driveRun, STEP_SECONDS } from './drive.ts'
import { type Fired, type Outcome, outcomeOf, verdictOf } from './judge-alerts.ts'
import type { InputSeries } from './recorded-series.ts'
import type { Row } from './results.ts'
import { evaluateRules } from './rule-engine.ts'
import { readRules } from './rule-files.ts'
import type { WholeRun } from './runs.ts'
import type { Expected, Scenario } from './scenario.ts'
import { checkTimeLags, isTruthKnown, type TimeLagCheck, timeLagNames } from './time-lag-truth.ts'
import { trackOf } from './world.ts'

interface Judged {
  readonly id: string
  readonly what: string
  readonly expected: Expected
}

/** So many together hold fewer samples than an engine may. */
const BATCH = 7

/** What came of consumers side by side. */
export interface Played {
  readonly rows: readonly Row[]
  /** By consumer, where the truth is known. */
  readonly timeLags: ReadonlyMap<string, TimeLagCheck>
}

/** Plays consumers side by side, and judges each by what is about it and what is about none of them. */
export async function playConsumers(scenarios: readonly Scenario[], seconds: number): Promise<Played> {
  const rules = readRules()
  const names = new Set([...rules.words, ...timeLagNames])
  const { recorded, steps } = await driveRun({ scenarios, seconds, isUndisturbed: true, names })
  const series = recorded.inputSeries()
  const rows: Row[] = []
  for (let from = 0; from < scenarios.length; from += BATCH) {
    const batch = scenarios.slice(from, from + BATCH)
    const inputSeries = series.filter((one) => isAbout(one, new Set(batch.map(({ id }) => id))))
    const input = { rules, isWhole: false, inputSeries, stepSeconds: STEP_SECONDS, steps }
    const answers = await evaluateRules(input, questions)
    for (const scenario of batch) rows.push(rowOf(scenario, outcomeOf(answers, STEP_SECONDS, scenario.id)))
  }
  const checked = scenarios.filter(isTruthKnown)
  const check = (scenario: Scenario): TimeLagCheck =>
    checkTimeLags(trackOf(scenario, seconds), recorded, scenario.id, STEP_SECONDS)
  return { rows, timeLags: new Map(checked.map((scenario) => [scenario.id, check(scenario)])) }
}

/** On these a fixed number of records fires whatever happens, so that nothing could be seen of what happens here. */
const hiddenFromPeers: ReadonlySet<string> = new Set(['healthy-60s', 'healthy-600s', 'healthy-auto-commit'])

/** Plays one run, and judges all alerts together. */
export async function playWhole(run: WholeRun): Promise<Row> {
  const rules = readRules()
  const { recorded, steps } = await driveRun({ ...run, names: rules.words })
  const inputSeries = recorded.inputSeries().filter(({ labels }) => !hiddenFromPeers.has(labels['consumergroup'] ?? ''))
  const input = { rules, isWhole: true, inputSeries, stepSeconds: STEP_SECONDS, steps }
  const row = rowOf(run, outcomeOf(await evaluateRules(input, questions), STEP_SECONDS))
  const isFalse = row.alerts.some(
    ({ alert, severity }) => severity !== 'info' && run.mayFire !== undefined && !run.mayFire.includes(alert),
  )
  if (!isFalse) return row
  return { ...row, told: { ...row.told, lagkeeper: { ...row.told.lagkeeper, verdict: 'false' } } }
}

function rowOf({ id, what, expected }: Judged, { told, pages, alerts }: Outcome): Row {
  const judged = (fired: Fired, by: Fired = fired) => ({ ...fired, verdict: verdictOf(expected, by) })
  const ofPeer = (fired: Fired) => ({ ...fired, verdict: verdictOf(forPeers(expected), fired) })
  return {
    id,
    what,
    expected,
    pages,
    told: {
      // Whom a page was promised is not helped by a ticket.
      lagkeeper: judged(told.lagkeeper, expected.kind === 'page' ? pages : told.lagkeeper),
      strimzi: ofPeer(told.strimzi),
      mixin: ofPeer(told.mixin),
      samber: ofPeer(told.samber),
    },
    alerts: [...alerts],
  }
}

/** Peers never stated our times, and have no pages: in half an hour, or what we take if that is more, they are in time. */
function forPeers(expected: Expected): Expected {
  return expected.kind === 'silence'
    ? expected
    : { kind: 'ticket', from: expected.from, within: Math.max(expected.within, PEERS_WITHIN) }
}

const PEERS_WITHIN = 1_800

/** Series of these consumers or their topics, and those of nobody in particular. */
function isAbout({ labels }: InputSeries, ids: ReadonlySet<string>): boolean {
  return [labels['consumer'], labels['consumergroup'], labels['topic']].every(
    (one) => one === undefined || ids.has(one),
  )
}
