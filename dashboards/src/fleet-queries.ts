import { consumer, once } from './queries.ts'

export const byConsumer = 'kafka_cluster, consumer'
export const perConsumer = (series: string, labels = '') => `max by (${byConsumer}${labels}) (${series})`
export const of = (metric: string, at = '') => once(`${metric}{${consumer}}${at}`)
export const partitions = (state: string) => once(`stream_consumer_partitions{${consumer}${state}}`)

/** Four hours, in which somebody can still do something. */
export const soon = 14_400
