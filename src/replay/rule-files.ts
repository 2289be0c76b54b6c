import { z } from 'zod'
import { parseDuration } from '../config/duration.ts'
import type { Found } from '../config/located.ts'
import { plain } from '../config/plain.ts'
import { readTextFile } from '../config/read-file.ts'
import { parseYaml } from '../config/yaml-text.ts'
import { ConfigError } from '../runtime/errors.ts'
import { metricNames, replayedNames } from './metric-names.ts'

const rule = z.looseObject({
  record: z.string().exactOptional(),
  alert: z.string().exactOptional(),
  expr: z.union([z.string(), z.number().transform(String)]),
})
const ruleFile = z.looseObject({
  groups: z.array(z.looseObject({ name: z.string(), rules: z.array(rule).default([]) })).default([]),
})

type Rule = z.output<typeof rule>

/** Rules for a replay: one group after the other, as they stand in the files. */
export interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
  /** Alerts that cannot be replayed, and the metrics that they would need. */
  readonly leftOut: readonly { readonly alert: string; readonly needs: readonly string[] }[]
  /** Metrics that have to be there. */
  readonly metrics: ReadonlySet<string>
}

/** What is there without being on our page. */
const given: ReadonlySet<string> = new Set(['up', 'ALERTS', 'ALERTS_FOR_STATE'])

/**
 * Reads rule files of Prometheus, and leaves out what reads metrics that are in no recording: an absence of these would
 * say nothing.
 *
 * @throws ConfigError when a file cannot be read or has no rules in the shape of Prometheus
 */
export function readRules(paths: readonly string[]): Rules {
  const groups = paths.flatMap((path) => groupsIn(path))
  const leftOut = new Map<Rule, readonly string[]>()
  const all = groups.flatMap(({ rules }) => rules)
  // Whoever reads what a rule that is left out would have recorded is left out as well.
  for (let before = -1; before !== leftOut.size; ) {
    before = leftOut.size
    const kept = all.filter((one) => !leftOut.has(one))
    const recorded = new Set(kept.flatMap(({ record }) => record ?? []))
    for (const one of kept) {
      const needs = [...metricNames(one.expr)].filter(
        (name) => !replayedNames.has(name) && !given.has(name) && !recorded.has(name),
      )
      if (needs.length > 0) leftOut.set(one, needs)
    }
  }
  const needed = all.filter((one) => !leftOut.has(one)).flatMap(({ expr }) => [...metricNames(expr)])
  return {
    groups: groups.map(({ name, rules }, index) => ({
      // Groups of several files may have one name, and promtool is told their order by it.
      name: `${index + 1} ${name}`,
      rules: rules.filter((one) => !leftOut.has(one)),
    })),
    leftOut: [...leftOut].flatMap(([{ alert }, needs]) => (alert === undefined ? [] : [{ alert, needs }])),
    metrics: new Set(needed.filter((name) => replayedNames.has(name) || name === 'up')),
  }
}

function groupsIn(path: string) {
  const file = readTextFile(path)
  if ('problem' in file) throw new ConfigError([`--rules: "${path}": ${file.problem}`])
  const { root, problems } = parseYaml(file.text)
  const [first] = problems
  if (root === undefined || first !== undefined)
    throw new ConfigError([`--rules: "${path}": ${first === undefined ? 'not YAML' : wordsFor(first)}`])
  const parsed = ruleFile.safeParse(plain(root, undefined))
  if (parsed.success) return parsed.data.groups
  const [issue] = parsed.error.issues
  throw new ConfigError([
    `--rules: "${path}": ${issue?.path.join('.')}: ${issue?.message}, expected rules of Prometheus`,
  ])
}

function wordsFor({ at, text }: Found): string {
  return at === undefined || !('line' in at) ? text : `line ${at.line}: ${text}`
}

/** The longest window of the rules in samples of one series, at so many seconds from sample to sample. */
export function mostSamples({ groups }: Rules, stepSeconds: number): number {
  let most = 1
  for (const { expr } of groups.flatMap(({ rules }) => rules))
    for (const [, window = '', , step] of expr.matchAll(/\[\s*(\w+)\s*(:\s*(\w*)\s*)?\]/g)) {
      const every = parseDuration(step ?? '') ?? stepSeconds * 1_000
      most = Math.max(most, (parseDuration(window) ?? 0) / Math.max(every, 1))
    }
  return Math.ceil(most)
}

/** True when a rule asks what hour or day it is. */
export function asksForCalendar({ groups }: Rules): boolean {
  const calendar = /\b(?:hour|minute|day_of_week|day_of_month|day_of_year|days_in_month|month|year)\s*\(/
  return groups.some(({ rules }) => rules.some(({ expr }) => calendar.test(expr)))
}
