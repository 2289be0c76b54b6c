import { type Objective, severities } from '../model/objective.ts'
import type { Config } from './schema.ts'

/** The promises about a (consumer, topic): the first configured rule of each severity that matches both. */
export function objectiveRules(rules: Config['objectives']): (consumer: string, topic: string) => readonly Objective[] {
  const nothing: readonly Objective[] = []
  if (rules.length === 0) return () => nothing
  return (consumer, topic) =>
    severities.flatMap((severity) => {
      const rule = rules.find(
        (one) => one.severity === severity && one.consumer.matches(consumer) && one.topic.matches(topic),
      )
      return rule === undefined ? [] : [{ consumer, topic, records: rule.records, owner: rule.owner, severity }]
    })
}
