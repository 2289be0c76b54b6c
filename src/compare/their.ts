import { consumerName } from '../model/consumer.ts'
import { type Exporter, foreignFamily, type Quantity } from './names.ts'
import type { ForeignSample } from './page.ts'

/** One number of the other exporter, in our words. */
export interface TheirNumber {
  readonly exporter: Exporter
  /** The name of its family. */
  readonly series: string
  readonly quantity: Quantity
  /** As we name it; absent for log offsets. */
  readonly consumer?: string
  readonly topic?: string
  readonly partition?: number
  readonly value: number
}

export interface TheirNumbers {
  /** By family and what they are about. */
  readonly numbers: ReadonlyMap<string, TheirNumber>
  /** Values of its label for the cluster, when it has one. */
  readonly clusters: readonly string[]
  /** Samples without the labels that they should have, and those that came twice. */
  readonly unclear: readonly string[]
}

const MOST_UNCLEAR = 20

/**
 * Puts the samples of a page into our words. kafka-lag-exporter has a series for each member that ever had a partition:
 * of several only the largest value is taken, since the others are left over.
 *
 * @param cluster the value of the exporter's own label for the cluster to look at; all when absent
 */
export function theirNumbers(samples: readonly ForeignSample[], cluster: string | undefined): TheirNumbers {
  const numbers = new Map<string, TheirNumber>()
  const clusters = new Set<string>()
  const unclear: string[] = []
  for (const { name, labels, value } of samples) {
    const family = foreignFamily(name)
    if (family === undefined) continue
    const where = family.cluster === undefined ? undefined : labels.get(family.cluster)
    if (where !== undefined) clusters.add(where)
    if (cluster !== undefined && where !== undefined && where !== cluster) continue
    const { exporter, quantity } = family
    const group = family.consumer === undefined ? undefined : consumerName(labels.get(family.consumer) ?? '')
    const topic = family.topic === undefined ? undefined : labels.get(family.topic)
    const partition = family.partition === undefined ? undefined : partitionOf(labels.get(family.partition))
    if (
      (family.topic !== undefined && topic === undefined) ||
      (family.partition !== undefined && partition === undefined)
    ) {
      if (unclear.length < MOST_UNCLEAR)
        unclear.push(`${name} without a usable ${topic === undefined ? family.topic : family.partition}`)
      continue
    }
    const number: TheirNumber = {
      exporter,
      series: name,
      quantity,
      value,
      ...(group === undefined ? {} : { consumer: group }),
      ...(topic === undefined ? {} : { topic }),
      ...(partition === undefined ? {} : { partition }),
    }
    const key = numberKey(number)
    const before = numbers.get(key)
    if (before === undefined || Number.isNaN(before.value) || value > before.value) numbers.set(key, number)
  }
  return { numbers, clusters: [...clusters].sort(), unclear }
}

function numberKey({ series, consumer, topic, partition }: Omit<TheirNumber, 'value'>): string {
  return JSON.stringify([series, consumer, topic, partition])
}

function partitionOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined
}
