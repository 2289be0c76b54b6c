import type { Config } from '../app/schema.ts'

type Rule = Config['objectives'][number]
type Pattern = Rule['consumer']

/** The series that a rule is about, as PromQL says it. */
export interface Selected {
  /** Matchers of labels, to be put into braces. */
  readonly matchers: string
  /** Matchers of series that belong to earlier rules and that the matchers themselves cannot leave out. */
  readonly unless: readonly string[]
}

/**
 * What `rule` is about: what it matches, without what earlier rules of its severity match, since the first one counts.
 *
 * @param cluster name of the only Kafka cluster that is meant; all when absent
 * @returns undefined when nothing is left
 */
export function select(rule: Rule, earlier: readonly Rule[], cluster: string | undefined): Selected | undefined {
  const without: string[] = []
  const unless: string[] = []
  const ofCluster = cluster === undefined ? [] : [`kafka_cluster=${quoted(cluster)}`]
  const own = [...ofCluster, ...matcher('consumer', rule.consumer), ...matcher('topic', rule.topic)]
  for (const [index, other] of earlier.entries()) {
    const isSaid = earlier.some(
      (one, at) => one !== other && isWithin(other, one) && (at < index || !isWithin(one, other)),
    )
    if (isSaid || isApart(other.consumer, rule.consumer) || isApart(other.topic, rule.topic)) continue
    const hasConsumers = covers(other.consumer, rule.consumer)
    const hasTopics = covers(other.topic, rule.topic)
    if (hasConsumers && hasTopics) return undefined
    if (hasTopics) without.push(excluding('consumer', other.consumer))
    else if (hasConsumers) without.push(excluding('topic', other.topic))
    // A consumer on a topic: no matchers can say "not both".
    else
      unless.push([...ofCluster, ...matcher('consumer', other.consumer), ...matcher('topic', other.topic)].join(', '))
  }
  return { matchers: [...own, ...new Set(without)].join(', '), unless: [...new Set(unless)] }
}

/** Text as PromQL and YAML may both have it in double quotes. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function matcher(label: string, { text }: Pattern): readonly string[] {
  if (text === EVERYTHING) return []
  return [`${label}${isName(text) ? '=' : '=~'}${quoted(text)}`]
}

function excluding(label: string, { text }: Pattern): string {
  return `${label}${isName(text) ? '!=' : '!~'}${quoted(text)}`
}

const EVERYTHING = '.*'

/** True for a pattern without special characters: it matches itself and nothing else. */
function isName(text: string): boolean {
  return !/[\\^$.|?*+()[\]{}]/.test(text)
}

/** True when it is plain to see that the one matches whatever the other does. */
function covers(one: Pattern, other: Pattern): boolean {
  return one.text === EVERYTHING || one.text === other.text || (isName(other.text) && one.matches(other.text))
}

function isWithin(inner: Rule, outer: Rule): boolean {
  return covers(outer.consumer, inner.consumer) && covers(outer.topic, inner.topic)
}

/** True when it is plain to see that nothing matches both. */
function isApart(one: Pattern, other: Pattern): boolean {
  return (isName(one.text) && !other.matches(one.text)) || (isName(other.text) && !one.matches(other.text))
}
