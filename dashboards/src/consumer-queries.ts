import { cluster, once } from './queries.ts'

/** By equality: what is chosen for a variable of one value Grafana does not make safe for a pattern. */
export const consumer = `${cluster}, consumer="$consumer"`
export const consumerTopic = `${consumer}, topic=~"$topic"`
export const of = (metric: string, at = '') => once(`${metric}{${consumerTopic}}${at}`)
export const ofConsumer = (metric: string) => once(`${metric}{${consumer}}`)
export const byTopic = (series: string) => `max by (kafka_cluster, topic) (${series})`
export const topicName = '{{kafka_cluster}} {{topic}}'
