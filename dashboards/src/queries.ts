/** What the variables of a dashboard select, for the metrics that have these labels. */
export const cluster = 'kafka_cluster=~"$kafka_cluster"'
export const consumer = `${cluster}, consumer=~"$consumer"`
export const partition = 'partition=~"$partition"'
export const flinkCluster = 'flink_cluster=~"$flink_cluster"'
export const flinkJob = `${flinkCluster}, flink_job=~"$flink_job"`

/** One series of what several replicas of Lagkeeper report. */
export function once(series: string): string {
  return `max without (instance, pod) (${series})`
}

/**
 * The twenty largest series at the end of the shown time, over the whole time: a plain topk chooses anew at every step
 * and draws a picture of fragments.
 *
 * @param series the query, with the given modifier after each of its selectors
 */
export function top20(series: (at: string) => string): string {
  return `${series('')} and topk(20, ${series(' @ end()')})`
}

/**
 * How many times its objective a lag is, one series an objective and kind of promise: time and records. Both sides come
 * from one scrape, so matching by what they do not share survives whatever labels a site adds.
 */
export function timesTheObjective(selector: string, at = ''): string {
  return ofEachPromise(
    ({ lag, promised }) =>
      `${once(`${lag}{${selector}}${at}`)} / ignoring (owner, severity) group_right () ${once(`${promised}{${selector}}${at}`)}`,
  )
}

/** 1 for each objective that is broken now, 0 for the others. */
export function broken(selector: string): string {
  return ofEachPromise(
    ({ lag, promised }) =>
      `${once(`${lag}{${selector}}`)} > bool ignoring (owner, severity) group_right () ${once(`${promised}{${selector}}`)}`,
  )
}

/** The share of the chosen window in which an objective was broken, one series an objective. */
export function brokenFor(selector: string): string {
  return ofEachPromise(
    ({ lag, promised }) =>
      `avg_over_time((${once(`${lag}{${selector}}`)} > bool ignoring (owner, severity) group_right () ${once(`${promised}{${selector}}`)})[$slo_window:5m])`,
  )
}

/** What is promised, one series an objective. */
export function promisedOf(what: 'time' | 'records', selector: string): string {
  const found = promises.filter((promise) => promise.of === what)
  return found
    .map(({ promised }) => `label_replace(${once(`${promised}{${selector}}`)}, "of", "${what}", "", "")`)
    .join('')
}

const promises = [
  { of: 'time', lag: 'stream_consumer_time_lag_seconds', promised: 'stream_consumer_objective_seconds' },
  { of: 'records', lag: 'stream_consumer_topic_records_lag', promised: 'stream_consumer_objective_records' },
] as const

/** Of two series that are alike but for their name `or` would keep the first: the label keeps both. */
function ofEachPromise(query: (promise: (typeof promises)[number]) => string): string {
  const each = promises.map((promise) => `label_replace(${query(promise)}, "of", "${promise.of}", "", "")`)
  return `(${each.join(' or ')})`
}

/** A number for each of some words of a label, the worst largest, so that tables sort by it and timelines colour it. */
export interface Ranks {
  readonly metric: string
  readonly label: string
  /** From the best to the worst; several words may share a rank. */
  readonly words: readonly (readonly string[])[]
}

/** The rank of the word that holds. Two replicas that disagree give the worse. */
export function rank({ metric, label, words }: Ranks, selector: string, by: string, at = ''): string {
  const each = words.map((same, place) => {
    const matcher = same.length === 1 ? `="${same[0]}"` : `=~"${same.join('|')}"`
    return `${place} * ${once(`${metric}{${selector}, ${label}${matcher}}${at}`)}`
  })
  return `max by (${by}) (${each.join(' or ')})`
}
