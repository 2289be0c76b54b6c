import { filterLabel, filterRestName } from '../flink/filter-label.ts'
import { shownTopics } from '../flink/shown-topics.ts'
import type { Catalog } from '../model/catalog.ts'
import type { ShownAs } from './flink-readings.ts'

/** What stands behind the name of a topic on a page. */
export type TopicBehind =
  | { readonly kind: 'topic'; readonly name: string; readonly how: string }
  /** Several fit: those of them that are looked at here. */
  | { readonly kind: 'ambiguous'; readonly names: readonly string[]; readonly how: string }
  /** None fits: as shown. */
  | { readonly kind: 'unknown'; readonly name: string; readonly how: string }
  /** The configuration leaves it out. */
  | { readonly kind: 'left_out' }

/** How a page shows a topic. */
export interface ShownTopic {
  readonly topic: string
  readonly shownAs: ShownAs
  /** Names that HELP lines prove for exactly this job; none for a KafkaSource, whose pages have no such lines. */
  readonly proven: ReadonlySet<string>
  /** One operator reads one partition in two places: so it does only when two topics have become one name. */
  readonly isTwoInOne: boolean
}

/**
 * Makes out topics by the metadata of the Kafka cluster. Flink's reporter replaces dots and dashes in label values, so
 * `ods.orders-v1` and `ods_orders_v1` look the same, and a topic that really has the shown name is no more likely than
 * another one: of two in one operator, the page shows the position of one under the name of both. Yields between its
 * steps.
 */
export function* createTopicNames(
  catalog: Catalog,
  keepTopic: (name: string) => boolean,
): Generator<void, (shown: ShownTopic) => TopicBehind, void> {
  const shown = yield* shownTopics(catalog)

  function named(name: string, how: string): TopicBehind {
    return keepTopic(name) ? { kind: 'topic', name, how } : { kind: 'left_out' }
  }

  function oneOf(names: readonly string[], how: string): TopicBehind {
    const kept = names.filter(keepTopic)
    return kept.length === 0 ? { kind: 'left_out' } : { kind: 'ambiguous', names: kept.toSorted(), how }
  }

  return ({ topic, shownAs, proven, isTwoInOne }) => {
    if (shownAs === 'true') return named(topic, 'the page shows label values as they are')
    const alike = shown.get(filterLabel(topic)) ?? []
    // REST leaves dashes as they are, and so tells more names apart.
    const candidates = shownAs === 'rest' ? alike.filter((name) => filterRestName(name) === topic) : alike
    const [first, ...others] = proven
    if (others.length > 0) return oneOf([...proven], `HELP lines of the page name ${listed([...proven])}`)
    if (first !== undefined && !(isTwoInOne && candidates.length > 1))
      return named(first, `a HELP line of the page names "${first}"`)
    const [only, ...more] = candidates
    if (only === undefined)
      return { kind: 'unknown', name: topic, how: `no topic of the Kafka cluster is shown as "${topic}"` }
    if (more.length > 0) return oneOf(candidates, `${listed(candidates)} are all shown as "${topic}"`)
    return named(only, `"${only}" is the only topic of the Kafka cluster that is shown as "${topic}"`)
  }
}

function listed(names: readonly string[]): string {
  const most = 5
  const shown = names
    .toSorted()
    .slice(0, most)
    .map((name) => `"${name}"`)
    .join(', ')
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}
