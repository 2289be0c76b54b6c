import type { OperatorLabels, PageFailure, PageReading, PartitionReading } from '../flink/flink-page.ts'
import { type FlinkJobView, hasFetchLevelGauges } from './flink-job-view.ts'

/** How the name of a topic is shown: as it is, as the reporter filters label values, or as REST filters names. */
export type ShownAs = 'true' | 'label' | 'rest'

/** A gauge with the page that it stands on. */
export interface LiveReading {
  readonly reading: PartitionReading
  readonly page: PageReading
  readonly shownAs: ShownAs
}

/** Why nothing of a page can be taken for what is true now. */
export type PageTrouble = 'timeout' | 'read_failed' | 'stale'

/** What a page failed with: a page that was read before says nothing about now, and is not to look as if it did. */
export function pageTrouble(
  page: PageReading | undefined,
  failure: PageFailure | undefined,
  staleBefore: number,
): PageTrouble | undefined {
  if (failure !== undefined && (page === undefined || failure.at >= page.sentAt))
    return failure.kind === 'timeout' ? 'timeout' : 'read_failed'
  return page === undefined || page.takenAt < staleBefore ? 'stale' : undefined
}

/** What all pages that can be believed say of one job. */
export interface JobReadings {
  readonly view: FlinkJobView
  readonly pages: ReadonlySet<PageReading>
  /** Of the last attempt of each subtask. */
  readonly live: readonly LiveReading[]
  /** Subtasks of each vertex that were seen. */
  readonly subtasks: ReadonlyMap<string, ReadonlySet<number>>
  /** Shown topics that this job alone reads by a legacy consumer in the page's process, to the names HELP lines prove. */
  readonly proven: ReadonlyMap<string, ReadonlySet<string>>
}

/**
 * Sorts what pages say by job. After a restart two pages may tell of two attempts of one subtask: the higher one
 * counts. Yields after each page.
 *
 * @param pages those without trouble
 */
export function* readingsByJob(
  pages: Iterable<PageReading>,
  jobs: readonly FlinkJobView[],
): Generator<void, ReadonlyMap<FlinkJobView, JobReadings>, void> {
  const viewOf = finder(jobs)
  const found = new Map<FlinkJobView, Gathered>()
  for (const page of pages) {
    // Readings of one operator share one object of labels.
    const places = new Map<OperatorLabels, Gathered | undefined>()
    const gatheredFor = (labels: OperatorLabels): Gathered | undefined => {
      if (places.has(labels)) return places.get(labels)
      const view = viewOf(page, labels.jobId)
      const gathered = view === undefined ? undefined : gatheredOf(found, view)
      places.set(labels, gathered)
      if (gathered !== undefined) {
        gathered.pages.add(page)
        noteAttempt(gathered, labels)
      }
      return gathered
    }
    const shownAs = page.page.hasTrueLabels === true ? 'true' : 'label'
    const legacy = new Map<string, Set<Gathered | undefined>>()
    for (const reading of page.page.partitions) {
      const gathered = gatheredFor(reading.operator)
      gathered?.all.push({ reading: gathered.isAhead ? withoutCurrent(reading) : reading, page, shownAs })
      if (reading.generation !== 'legacy' || !page.page.topicNames.has(reading.topic)) continue
      const readers = legacy.get(reading.topic) ?? new Set()
      legacy.set(reading.topic, readers.add(gathered))
    }
    for (const { operator } of page.page.operators) gatheredFor(operator)
    for (const [topic, readers] of legacy) noteProven(page, topic, readers)
    yield
  }
  const sorted = new Map<FlinkJobView, JobReadings>()
  for (const [view, { pages: its, all, attempts, proven }] of found) {
    const live = all.filter(
      ({ reading: { operator } }) => attempts.get(operator.taskId)?.get(operator.subtask) === operator.attempt,
    )
    const subtasks = new Map([...attempts].map(([vertex, of]) => [vertex, new Set(of.keys())]))
    sorted.set(view, { view, pages: its, live, subtasks, proven })
    yield
  }
  return sorted
}

interface Gathered {
  readonly pages: Set<PageReading>
  readonly all: LiveReading[]
  /** Highest attempt by vertex and subtask. */
  readonly attempts: Map<string, Map<number, number>>
  readonly proven: Map<string, Set<string>>
  /** Its current gauges say what was fetched. */
  readonly isAhead: boolean
}

function gatheredOf(found: Map<FlinkJobView, Gathered>, view: FlinkJobView): Gathered {
  const known = found.get(view)
  if (known !== undefined) return known
  const made: Gathered = {
    pages: new Set(),
    all: [],
    attempts: new Map(),
    proven: new Map(),
    isAhead: hasFetchLevelGauges(view),
  }
  found.set(view, made)
  return made
}

/** The committed gauge is right where the current one is ahead. */
function withoutCurrent(reading: PartitionReading): PartitionReading {
  if (reading.generation !== 'source') return reading
  const { current: _, ...rest } = reading
  return rest
}

function noteAttempt({ attempts }: Gathered, { taskId, subtask, attempt }: OperatorLabels): void {
  const of = attempts.get(taskId) ?? new Map<number, number>()
  attempts.set(taskId, of)
  of.set(subtask, Math.max(attempt, of.get(subtask) ?? 0))
}

/** A HELP line is of whoever registered the name first: it proves nothing where two jobs may have. */
function noteProven(page: PageReading, topic: string, readers: ReadonlySet<Gathered | undefined>): void {
  const [only, ...others] = readers
  if (only === undefined || others.length > 0) return
  const names = only.proven.get(topic) ?? new Set<string>()
  only.proven.set(topic, names)
  for (const name of page.page.topicNames.get(topic) ?? []) names.add(name)
}

/**
 * Finds the job of a reading. With high availability every application has the same job id, so an application counts
 * too: it is the second part of the reporter's id.
 */
function finder(jobs: readonly FlinkJobView[]): (page: PageReading, jobId: string) => FlinkJobView | undefined {
  const byId = new Map<string, FlinkJobView[]>()
  for (const view of jobs) {
    const key = jobKey(view.flinkCluster, view.jobId)
    const some = byId.get(key)
    if (some === undefined) byId.set(key, [view])
    else some.push(view)
  }
  return (page, jobId) => {
    const views = byId.get(jobKey(page.flinkCluster, jobId))
    return views?.find(({ applicationId }) => applicationId === undefined || applicationId === applicationOf(page.id))
  }
}

function jobKey(flinkCluster: string, jobId: string): string {
  return `${jobId} ${flinkCluster}`
}

/** The application that a reporter belongs to, by its id `<namespace>/<app>/<role>/<instance>`. */
export function applicationOf(reporter: string): string | undefined {
  return reporter.split('/')[1]
}
