import type { JobView } from '../model/job-view.ts'
import type { Service } from '../runtime/service.ts'
import { createFlinkDiscovery, type FlinkDiscoveryDeps } from './flink-discovery.ts'
import { createJobService, type JobServiceDeps } from './job-service.ts'
import type { FlinkInput } from './kafka-sources.ts'
import type { Rules } from './rules.ts'
import type { Config } from './schema.ts'

export interface FlinkPartDeps extends Omit<FlinkDiscoveryDeps, 'guard'> {
  /** What the configuration says now. */
  readonly rules: () => Rules
  /** The Kafka clusters that are read here. */
  readonly kafka: JobServiceDeps['kafka']
}

/** All that is there because some Flink cluster is watched. */
export interface FlinkPart {
  /** For the lag of jobs. */
  readonly input: FlinkInput
  /** Undefined before the first look. */
  jobs(): readonly JobView[] | undefined
  /** Who looks, for the gate of the target list. */
  firstLooks(): readonly { readonly name: string; readonly hasLooked: boolean }[]
  /**
   * What is to run for these clusters; also for none, as long as what was registered for others has to be withdrawn.
   *
   * @throws ConfigError when a file of `tls` cannot be used
   */
  services(clusters: Pick<Config, 'flink' | 'yarn'>): readonly Service[]
}

export function createFlinkPart(deps: FlinkPartDeps): FlinkPart {
  const { rules, pageIntervalMs, clock } = deps
  const kafkaClusterOf: FlinkInput['kafkaClusterOf'] = (flinkCluster, label) =>
    rules().kafkaClusterOf(flinkCluster, label)
  const staleMs = STALE_PAGES * pageIntervalMs
  const flink = createFlinkDiscovery({ ...deps, guard: (ip, caller) => rules().guard(ip, caller) })
  const jobs = createJobService({
    board: flink.board,
    poller: flink.poller,
    rules: () => rules().jobs,
    kafka: deps.kafka,
    kafkaClusterOf,
    isRead: flink.isRead,
    hasLooked: flink.hasLooked,
    staleMs,
    clock,
  })
  return {
    input: {
      pages: () => flink.poller.pages().values(),
      failures: () => flink.poller.failures().values(),
      restGauges: flink.restGauges,
      jobs: jobs.flinkJobs,
      kafkaClusterOf,
      mayBeElsewhere: jobs.mayBeElsewhere,
      staleMs,
    },
    jobs: jobs.views,
    firstLooks: flink.registrar.firstLooks,
    services: (clusters) => [...flink.services(clusters), jobs],
  }
}

/** After so many intervals of the poller a page says nothing about now. */
const STALE_PAGES = 3
