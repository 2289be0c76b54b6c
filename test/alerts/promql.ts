import { type Family, jobFamilies, lagFamilies, selfFamilies } from '../../src/exposition/families.ts'

/** Every family that Lagkeeper prints, by name. */
export const families: ReadonlyMap<string, Family> = new Map(
  [lagFamilies, jobFamilies, selfFamilies]
    .flatMap((table): readonly Family[] => Object.values(table))
    .map((family) => [family.name, family]),
)

/** Metrics of others that rules and dashboards may use. */
const foreign: readonly string[] = ['up', 'prometheus_sd_refresh_failures_total', 'ALERTS']

/** Labels that a scrape adds. */
const scrapeLabels: readonly string[] = ['job', 'instance', 'pod']

interface Expression {
  readonly metrics: readonly string[]
  /** Each label in braces with the metric in front of them. */
  readonly matched: readonly { readonly metric: string; readonly label: string }[]
  /** Labels of by, without, on, ignoring, group_left and group_right. */
  readonly grouped: readonly string[]
}

/**
 * Takes names out of an expression whose syntax promtool has checked (`test/real/alerts.test.ts`): enough to see
 * whether they exist, no parser.
 */
export function readExpression(expression: string): Expression {
  const grouped: string[] = []
  const matched: { metric: string; label: string }[] = []
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g, (_, labels: string) => {
      grouped.push(...words(labels))
      return ''
    })
    .replaceAll(/([\w:]+)\{([^}]*)\}/g, (_, metric: string, matchers: string) => {
      for (const label of words(matchers)) matched.push({ metric, label })
      return metric
    })
    .replaceAll(/\[[^\]]*\]/g, '')
  const metrics = [...bare.matchAll(/(?<![\w:.$])[a-zA-Z_:][\w:]*(?![\w:]*\s*\()/g)]
    .map(([word]) => word)
    .filter((word) => !['and', 'or', 'unless', 'bool', 'offset'].includes(word))
  return { metrics, matched, grouped }
}

/**
 * What is wrong with the names in an expression: metrics and labels that nobody prints, functions of the wrong type. What
 * rules record is taken as it is.
 */
export function unknownNames(expression: string): readonly string[] {
  const { metrics, matched, grouped } = readExpression(expression)
  const made = [...expression.matchAll(/"(\w+)",\s*"\w*",\s*"\w*",\s*"/g)].map(([, label = '']) => label)
  const labels = new Set([...scrapeLabels, ...made, ...[...families.values()].flatMap((family) => family.labels)])
  return [
    ...metrics.filter((metric) => !families.has(metric) && !foreign.includes(metric) && !isRecorded(metric)),
    ...matched
      .filter(({ metric, label }) => !hasLabel(metric, label))
      .map(({ metric, label }) => `${metric}{${label}}`),
    ...grouped.filter((label) => !labels.has(label)),
    ...[...expression.matchAll(/\b(rate|irate|increase|deriv|delta)\((\w+)/g)].flatMap(([, by = '', metric = '']) => {
      const type = families.get(metric)?.type ?? (metric.endsWith('_total') ? 'counter' : 'gauge')
      return (by === 'deriv' || by === 'delta') === (type === 'gauge') ? [] : [`${by}(${metric}) of a ${type}`]
    }),
  ]
}

/** Whether a series of the metric may carry the label; anything goes for the metrics of others. */
export function hasLabel(metric: string, label: string): boolean {
  const family = families.get(metric)
  return family === undefined || family.labels.includes(label) || scrapeLabels.includes(label)
}

/** A level and operations, with colons: what only a recording rule may be called. */
function isRecorded(metric: string): boolean {
  return metric.includes(':')
}

function words(text: string): readonly string[] {
  return text.match(/[a-zA-Z_]\w*/g) ?? []
}
