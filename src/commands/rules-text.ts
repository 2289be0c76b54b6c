import type { Config } from '../app/schema.ts'
import { brokenPromise, type Open } from './rules-expression.ts'
import { whenOpen } from './rules-schedule.ts'
import { quoted, select } from './rules-selector.ts'
import { bases, type Recording, type Unit, units } from './rules-units.ts'

type Rule = Config['objectives'][number]

/** Rules for Prometheus, and what could not be said in them. */
export interface StaticRules {
  /** YAML. */
  readonly text: string
  /** A line each, beginning with the option that it is about. */
  readonly leftOut: readonly string[]
}

/**
 * The objectives of a configuration as alerts with fixed thresholds, for a Prometheus that has Lagkeeper's lags and not
 * its objectives. Syntax of Prometheus 2.42.
 *
 * @param cluster name of the only Kafka cluster that is meant; all when absent
 */
export function staticRules(objectives: readonly Rule[], cluster: string | undefined): StaticRules {
  const leftOut: string[] = []
  const used = new Set<Unit>()
  const alerts = objectives.flatMap((rule, index) => {
    const name = `objectives[${index}]`
    const about = `# ${name}: consumer ${quoted(rule.consumer.text)}, topic ${quoted(rule.topic.text)}`
    const earlier = objectives.slice(0, index).filter(({ severity }) => severity === rule.severity)
    const selected = select(rule, earlier, cluster)
    if (selected === undefined)
      return ['', about, '# No alert: earlier objectives of this severity match all that it matches.']
    const { open, refused } = timesOf(rule, name)
    leftOut.push(...refused)
    return units.flatMap((unit) => {
      const expression = brokenPromise(rule, unit, selected, open)
      if (expression.length === 0) return []
      used.add(unit)
      return ['', about, ...refused.map((line) => `# Left out: ${line}`), ...alertOf(rule, unit, expression)]
    })
  })
  const floors = units.filter((unit) => used.has(unit)).map(({ floor }) => floor)
  const recordings = floors.length === 0 ? [] : [...bases, ...floors].flatMap(recordingOf)
  return { text: `${[...head, ...groupOf([...recordings, ...alerts])].join('\n')}\n`, leftOut }
}

const head = [
  '# Made by `lagkeeper rules` of the objectives in the configuration: make it anew whenever they change.',
  '# docs/objectives.md says what is different from alerts that compare with the series of the daemon.',
]

function groupOf(rules: readonly string[]): readonly string[] {
  if (rules.length === 0) return ['groups: []']
  return [
    'groups:',
    '  - name: lagkeeper-objectives',
    '    rules:',
    ...rules.map((line) => (line === '' ? '' : `      ${line}`)),
  ]
}

function timesOf(rule: Rule, name: string): { readonly open: readonly Open[]; readonly refused: readonly string[] } {
  const open: Open[] = []
  const refused: string[] = []
  for (const [index, entry] of rule.schedule.entries()) {
    const when = whenOpen(entry)
    if ('expression' in when) open.push({ entry, expression: when.expression })
    else
      refused.push(
        `${name}.schedule[${index}]: ${quoted(entry.cron)} cannot be said in PromQL: ${when.why}; what is promised at other times is promised then too`,
      )
  }
  return { open, refused }
}

function recordingOf({ record, lines }: Recording): readonly string[] {
  return [`- record: ${record}`, '  expr: |-', ...lines.map((line) => `    ${line}`)]
}

function alertOf(rule: Rule, unit: Unit, expression: readonly string[]): readonly string[] {
  const owner = untemplated(rule.owner)
  return [
    `- alert: ${unit.alert}`,
    '  expr: |-',
    ...expression.map((line) => `    ${line}`),
    '  for: 5m',
    '  keep_firing_for: 5m',
    '  labels:',
    `    owner: ${quoted(owner)}`,
    `    severity: ${rule.severity}`,
    '  annotations:',
    `    summary: ${unit.summary}`,
    `    description: ${quoted(unit.description(owner))}`,
    `    runbook_url: https://github.com/lagkeeper/lagkeeper/blob/main/docs/runbooks/${unit.alert}.md`,
    '    dashboard_url: https://grafana.example.com/d/lagkeeper-consumer?var-kafka_cluster={{ $labels.kafka_cluster | urlquery }}&var-consumer={{ $labels.consumer | urlquery }}&var-topic={{ $labels.topic | urlquery }}',
  ]
}

/** Text as it is where Prometheus expects a template. */
function untemplated(text: string): string {
  return text.replaceAll('{{', '{{ "{{" }}')
}
