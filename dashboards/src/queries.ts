/** What the variables of a dashboard select, for the metrics that have these labels. */
export const cluster = 'kafka_cluster=~"$kafka_cluster"'
export const consumer = `${cluster}, consumer=~"$consumer"`
export const consumerTopic = `${consumer}, topic=~"$topic"`
export const topic = `${cluster}, topic=~"$topic"`

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
