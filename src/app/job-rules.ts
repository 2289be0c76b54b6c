import { z } from 'zod'
import { pattern } from '../config/pattern.ts'
import { text } from '../config/text-options.ts'
import type { InventoryRules } from '../jobs/inventory.ts'
import { nameForm } from './cluster-name.ts'

const jobRule = z.strictObject({
  match: pattern().describe('Jobs that the rule is for, by name.'),
  expected_running: z
    .boolean()
    .optional()
    .describe(
      'Whether such a job should always run; without it one that ran is expected to go on until it finishes or is cancelled.',
    ),
  group: text('a group id', /^[^\p{Cc}\p{Cs}]{1,255}$/u)
    .optional()
    .describe('Consumer group that it commits to; without it that is found out by comparing what both say.'),
  kafka_clusters: text('the name of a Kafka cluster', nameForm)
    .array()
    .min(1)
    .optional()
    .describe('Entries of `kafka` that it reads, in place of `kafka_cluster`.'),
})

/** What is configured about the jobs of one Flink cluster. */
export const jobOptions = {
  jobs: jobRule
    .array()
    .prefault([])
    .describe('What cannot be seen from outside about some jobs: the first rule that matches counts.'),
  expected_jobs: text('the name of a job', /^[^\p{Cc}\p{Cs}]{1,1000}$/u)
    .array()
    .prefault([])
    .describe('Names of jobs that must run: they are missed also when they have never been seen.'),
} as const

type JobRule = z.output<typeof jobRule>

/** The part of a Flink cluster's configuration that is about its jobs. */
export interface JobRulesConfig {
  readonly name: string
  readonly jobs: readonly JobRule[]
  readonly expected_jobs: readonly string[]
}

/** The rules of all Flink clusters as functions. */
export interface JobRules extends Pick<InventoryRules, 'expects' | 'named' | 'isConfigured'> {
  ruleFor(flinkCluster: string, name: string): JobRule | undefined
}

export function jobRules(clusters: readonly JobRulesConfig[]): JobRules {
  const byCluster = new Map(clusters.map((cluster) => [cluster.name, cluster]))
  const ruleFor: JobRules['ruleFor'] = (flinkCluster, name) =>
    byCluster.get(flinkCluster)?.jobs.find(({ match }) => match.matches(name))
  return {
    ruleFor,
    isConfigured: (flinkCluster) => byCluster.has(flinkCluster),
    expects: (flinkCluster, name) => ruleFor(flinkCluster, name)?.expected_running,
    named: clusters.flatMap(({ name: flinkCluster, expected_jobs: names }) =>
      names.map((name) => ({ flinkCluster, name })),
    ),
  }
}
