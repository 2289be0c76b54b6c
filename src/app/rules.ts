import { type Clock, systemClock } from '../runtime/clock.ts'
import { createAddressGuard } from '../targets/address-guard.ts'
import type { DemoParts } from './demo.ts'
import { kafkaClusterOf } from './flink-schema.ts'
import { type JobRules, jobRules } from './job-rules.ts'
import type { FlinkInput } from './kafka-sources.ts'
import { objectiveRules } from './objectives.ts'
import type { Config } from './schema.ts'

/** What a reload may change without a restart of the services that use it. */
export interface Rules {
  readonly objectives: ReturnType<typeof objectiveRules>
  readonly guard: ReturnType<typeof createAddressGuard>
  /** Names of all Flink clusters, those on YARN included. */
  readonly flinkClusters: readonly string[]
  readonly jobs: JobRules
  readonly kafkaClusterOf: FlinkInput['kafkaClusterOf']
  readonly mostJobSeries: number
}

/** The clusters of the configuration and of the demo. */
export function kafkaOf({ kafka }: Config, world: DemoParts | undefined): Config['kafka'] {
  return [...kafka, ...(world?.kafka ?? [])]
}

export function flinkClustersOf({ flink, yarn }: Config, world: DemoParts | undefined): Pick<Config, 'flink' | 'yarn'> {
  return { flink, yarn: [...yarn, ...(world?.yarn ?? [])] }
}

export function rulesOf(config: Config, world: DemoParts | undefined, clock: Pick<Clock, 'wall'> = systemClock): Rules {
  const { objectives, registration, exposition } = config
  const { flink, yarn } = flinkClustersOf(config, world)
  const clusters = [...flink, ...yarn]
  const byName = new Map(clusters.map((cluster) => [cluster.name, cluster]))
  const kafka = kafkaOf(config, world).map(({ name }) => name)
  return {
    objectives: objectiveRules([...objectives, ...(world?.objectives ?? [])], () => clock.wall()),
    guard: createAddressGuard(registration.allowed_cidrs),
    flinkClusters: clusters.map(({ name }) => name),
    jobs: jobRules(clusters),
    kafkaClusterOf: (flinkCluster, label) => {
      const cluster = byName.get(flinkCluster)
      return cluster && kafkaClusterOf(cluster, label, kafka)
    },
    mostJobSeries: exposition.max_job_series,
  }
}
