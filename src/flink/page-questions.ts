import type { FlinkPage, PartitionReading } from './flink-page.ts'

/**
 * How one reporter is asked: for its whole page, or only for the families that we read. The latter is done once such an
 * answer had everything that the whole page right before it had, and the whole page is still read every now and then,
 * and when a legacy consumer has a topic whose name is not known: HELP lines with names stand in families that have the
 * topic in their own name.
 */
export interface PageQuestions {
  next(now: number): 'whole' | 'families'
  /** @returns whether a question for the families should follow at once, to be compared */
  tookWhole(page: FlinkPage, now: number): boolean
  /** The answer to that; undefined when it was none. */
  compare(page: FlinkPage | undefined): void
  /** @returns the page with the names of its topics; undefined when only a whole page has them */
  complete(page: FlinkPage): FlinkPage | undefined
  /** What was answered for the families was no page of a TaskManager: only whole pages until one is due anyway. */
  distrust(): void
}

export function createPageQuestions(wholeEveryMs: number): PageQuestions {
  let whole: FlinkPage | undefined
  let wholeAt = Number.NEGATIVE_INFINITY
  let comparedAt = Number.NEGATIVE_INFINITY
  let isTrusted = false

  return {
    next: (now) => (isTrusted && now - wholeAt < wholeEveryMs ? 'families' : 'whole'),
    tookWhole: (page, now) => {
      whole = page
      wholeAt = now
      // Where it failed it is tried again as seldom as whole pages are read.
      if (now - comparedAt < wholeEveryMs) return false
      comparedAt = now
      return true
    },
    compare: (page) => {
      isTrusted = page !== undefined && whole !== undefined && isSmallAndHasAll(page, whole)
    },
    complete: (page) => {
      if (whole === undefined) return undefined
      const { topicNames, partitions } = whole
      const seen = new Set(partitions.map(readBy))
      const isKnown = (one: PartitionReading): boolean => one.generation === 'source' || seen.has(readBy(one))
      return page.hasTrueLabels || page.partitions.every(isKnown) ? { ...page, topicNames } : undefined
    },
    distrust: () => {
      isTrusted = false
    },
  }
}

/** A HELP line is of whoever had the name first: of another job's topic of that name it says nothing. */
function readBy({ operator, topic }: PartitionReading): string {
  return `${operator.jobId} ${topic}`
}

/** Whoever does not know the question answers with the whole page. */
function isSmallAndHasAll(page: FlinkPage, whole: FlinkPage): boolean {
  if (page.bytes > whole.bytes / 2) return false
  const found = new Set(page.partitions.map(identify))
  return page.operators.length >= whole.operators.length && whole.partitions.every((one) => found.has(identify(one)))
}

/** Which gauges of what; not their values, which move between two answers. */
function identify({
  operator,
  generation,
  kafkaCluster,
  topic,
  partition,
  current,
  committed,
}: PartitionReading): string {
  const { jobId, operatorId, subtask, attempt } = operator
  const gauges = [current !== undefined, committed !== undefined]
  return JSON.stringify([jobId, operatorId, subtask, attempt, generation, kafkaCluster, topic, partition, gauges])
}
