import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { JobFacts, JobGauges } from '../../src/jobs/facts.ts'
import { gaugesByJob } from '../../src/jobs/gauges.ts'
import type { Job } from '../../src/model/job.ts'
import { fakeFacts, inSteps } from './fakes.ts'

// Jobs of a real standalone cluster of each version as its REST API and its TaskManagers' pages showed them at one
// moment: `test/fixtures/flink-jobs`. What each job is stands in its name: `dup+disconnected` reads pay.events by two
// tables and has a third part that belongs to nothing; `legacy-consumer` uses FlinkKafkaConsumer; `slow-orders` and
// `stuck` are held up; `no-group` has no consumer group.

export const versions = ['1.11.4', '1.12.5', '1.13.6', '1.14.6', '1.16.3', '1.18.1', '1.20.5', '2.2.1'] as const

const operator = z.object({
  jobId: z.string(),
  taskId: z.string(),
  operatorId: z.string(),
  operatorName: z.string(),
  subtask: z.int(),
  attempt: z.int(),
})

const captureSchema = z.object({
  version: z.string(),
  now: z.int(),
  jobs: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      state: z.string(),
      startedAt: z.int(),
      vertices: z.array(z.object({ id: z.string(), name: z.string(), parallelism: z.int(), state: z.string() })),
      plan: z.array(
        z.object({ id: z.string(), parallelism: z.int(), description: z.string(), inputs: z.array(z.string()) }),
      ),
      checkpoints: z.object({
        intervalMs: z.int(),
        completed: z.int(),
        failed: z.int(),
        inProgress: z.int(),
        restored: z.int(),
        lastCompletedAt: z.int().nullable(),
      }),
    }),
  ),
  pages: z.array(
    z.object({
      url: z.string(),
      page: z.object({
        partitions: z.array(
          z.object({
            operator,
            generation: z.enum(['source', 'legacy']),
            topic: z.string(),
            partition: z.int(),
            current: z.int(),
            committed: z.int(),
          }),
        ),
        operators: z.array(z.object({ operator, pendingRecords: z.number() })),
      }),
    }),
  ),
})

export interface Capture {
  readonly now: number
  readonly jobs: readonly Job[]
  readonly gauges: ReadonlyMap<string, JobGauges>
}

export function readCapture(version: string): Capture {
  const file = new URL(`../fixtures/flink-jobs/${version}.json`, import.meta.url)
  const capture = captureSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  const jobs = capture.jobs.map(({ checkpoints: { lastCompletedAt, ...checkpoints }, plan, ...job }): Job => {
    return {
      ...job,
      flinkCluster: 'captured',
      version: capture.version,
      rest: 'http://127.0.0.1:8081',
      plan: plan.map(({ description, ...node }) => ({ ...node, description: asRead(description) })),
      checkpoints: { ...checkpoints, ...(lastCompletedAt === null ? {} : { lastCompletedAt }) },
      takenAt: 0,
      unread: [],
    }
  })
  return { now: capture.now, jobs, gauges: inSteps(gaugesByJob(capture.pages)).value }
}

/** Partitions of the topics of the captures, by the names that pages show. */
const partitions: ReadonlyMap<string, number> = new Map([
  ['ods_orders_v1', 3],
  ['pay_events', 2],
  ['load_big_v1', 2],
  ['idle_topic_v1', 2],
])

export function factsOf(capture: Capture, name: string): JobFacts {
  const job = capture.jobs.find((one) => one.name === name)
  if (job === undefined) throw new Error(`No job "${name}" in the capture`)
  const gauges = capture.gauges.get(job.id)
  return fakeFacts({
    job,
    now: capture.now,
    ...(gauges === undefined ? {} : { gauges }),
    partitionsOf: (topic) => partitions.get(topic),
  })
}

/** As the client of Flink's REST hands a description over. */
function asRead(description: string): string {
  return description
    .replaceAll('<br/>', '\n')
    .replaceAll('&gt;', '>')
    .replaceAll('&lt;', '<')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}
