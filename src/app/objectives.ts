import { type Objective, type Promised, severities } from '../model/objective.ts'
import { createWindow } from './schedule.ts'
import type { Config } from './schema.ts'

type Rule = Config['objectives'][number]

const MINUTE = 60_000

/**
 * The promises about a (consumer, topic) as they are now. Of each severity the first rule counts that matches both; while
 * an entry of its schedule is going on, the first such entry replaces the values that it gives, or takes the promise
 * away. The rule counts even then: no later one of its severity steps in.
 *
 * @param wall ms since the Unix epoch; what is going on is decided once a minute and rule, when it is first asked for
 */
export function objectiveRules(
  rules: readonly Rule[],
  wall: () => number,
): (consumer: string, topic: string) => readonly Objective[] {
  const nothing: readonly Objective[] = []
  if (rules.length === 0) return () => nothing
  const all = rules.map((rule) => ({ rule, promisedAt: oncePerMinute(promises(rule)) }))
  const bySeverity = severities.map((severity) => all.filter(({ rule }) => rule.severity === severity))
  return (consumer, topic) => {
    const now = wall()
    return bySeverity.flatMap((ofOne) => {
      const found = ofOne.find(({ rule }) => rule.consumer.matches(consumer) && rule.topic.matches(topic))
      const promised = found?.promisedAt(now)
      if (found === undefined || promised === undefined) return []
      const { owner, severity } = found.rule
      return [{ consumer, topic, ...promised, owner, severity }]
    })
  }
}

/** What a rule promises at a moment; undefined while that is nothing. */
function promises(rule: Rule): (now: number) => Promised | undefined {
  const always = promised(rule)
  const entries = rule.schedule.map((entry) => ({
    isOpen: createWindow(entry.cron, entry.timezone, entry.lasts),
    values: entry.off === true ? undefined : { ...always, ...promised(entry) },
  }))
  return (now) => {
    const open = entries.find(({ isOpen }) => isOpen(now))
    return open === undefined ? always : open.values
  }
}

function promised({ records, seconds }: Pick<Rule, 'records' | 'seconds'>): Promised {
  return { ...(records === undefined ? {} : { records }), ...(seconds === undefined ? {} : { seconds }) }
}

/** Entries begin and end with minutes, so nothing changes within one. */
function oncePerMinute<T>(decide: (minute: number) => T): (now: number) => T {
  let last: { readonly minute: number; readonly decision: T } | undefined
  return (now) => {
    const minute = Math.floor(now / MINUTE) * MINUTE
    if (last?.minute !== minute) last = { minute, decision: decide(minute) }
    return last.decision
  }
}
