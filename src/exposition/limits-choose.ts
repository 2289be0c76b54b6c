import { consumerLevels, type Granularity, narrowViews, type Views, wholeViews } from './granularity.ts'
import { type Fitting, fit, type LimitReason, type SeriesLimits, seriesOf, shares } from './limits.ts'
import { mostSeries, sizesOf } from './limits-size.ts'
import type { OrderedSnapshot } from './lines.ts'
import type { TableRow } from './table.ts'

interface ChoiceOptions {
  readonly granularity?: ((kafkaCluster: string, consumer: string) => Granularity) | undefined
  readonly limits?: SeriesLimits | undefined
  readonly onDropped?: ((kafkaCluster: string, reason: LimitReason, count: number) => void) | undefined
}

/** What is printed of each cluster: as fine as the user wants it, and no more than the limits allow. */
export function* chooseSeries(
  views: readonly OrderedSnapshot[],
  table: readonly TableRow[],
  options: ChoiceOptions,
): Generator<void, readonly Views[], void> {
  const { granularity, limits } = options
  const dropped = new Map<OrderedSnapshot, Readonly<Record<LimitReason, number>>>()
  let chosen: readonly Views[]
  if (limits === undefined || isSmall(views, table, limits)) {
    const narrowed: Views[] = []
    for (const view of views) narrowed.push(yield* asWanted(view, granularity))
    chosen = narrowed
  } else chosen = yield* fitted(views, table, limits, granularity, dropped)
  for (const view of views) {
    if (limits === undefined) break
    const { kafka_cluster_limit, page_limit } = dropped.get(view) ?? { kafka_cluster_limit: 0, page_limit: 0 }
    options.onDropped?.(view.snapshot.kafkaCluster, 'kafka_cluster_limit', kafka_cluster_limit)
    options.onDropped?.(view.snapshot.kafkaCluster, 'page_limit', page_limit)
  }
  return chosen
}

/** True when nothing needs to be counted, which is how it nearly always is. */
function isSmall(views: readonly OrderedSnapshot[], table: readonly TableRow[], limits: SeriesLimits): boolean {
  const sizes = views.map((view) => mostSeries(view, table))
  return (
    sizes.every((size) => size <= limits.perKafkaCluster) &&
    sizes.reduce((sum, size) => sum + size, 0) <= limits.perPage
  )
}

function* asWanted(view: OrderedSnapshot, granularity: ChoiceOptions['granularity']): Generator<void, Views, void> {
  if (granularity === undefined) return wholeViews(view)
  const levels = yield* consumerLevels(view, (consumer) => granularity(view.snapshot.kafkaCluster, consumer))
  return levels.level.every((level) => level === 0) ? wholeViews(view) : yield* narrowViews(view, levels, undefined)
}

function* fitted(
  views: readonly OrderedSnapshot[],
  table: readonly TableRow[],
  limits: SeriesLimits,
  granularity: ChoiceOptions['granularity'],
  dropped: Map<OrderedSnapshot, Readonly<Record<LimitReason, number>>>,
): Generator<void, readonly Views[], void> {
  const fittings: Fitting[] = []
  const byCluster: number[] = []
  for (const view of views) {
    const { kafkaCluster, catalog } = view.snapshot
    const wanted = granularity && ((consumer: string) => granularity(kafkaCluster, consumer))
    const levels = yield* consumerLevels(view, wanted)
    const sizes = yield* sizesOf(view, levels, table)
    const fitting = { view, levels, sizes, leftOut: new Uint8Array(catalog.topics.length) }
    fittings.push(fitting)
    byCluster.push(yield* fit(fitting, limits.perKafkaCluster))
  }
  const most = shares(fittings.map(seriesOf), limits.perPage)
  const chosen: Views[] = []
  for (const [index, fitting] of fittings.entries()) {
    const byPage = yield* fit(fitting, most[index]!)
    dropped.set(fitting.view, { kafka_cluster_limit: byCluster[index]!, page_limit: byPage })
    chosen.push(yield* narrowViews(fitting.view, fitting.levels, fitting.leftOut))
  }
  return chosen
}
