import { compilePattern } from '../config/pattern.ts'
import { jobPage, jobsPage } from '../console/job-page.ts'
import { createAdmission } from '../http/admission.ts'
import { type Audit, createAudit } from '../http/audit.ts'
import { createAuthority, expiredSince } from '../http/authorize.ts'
import { createChanges } from '../http/changes.ts'
import { consumersRoute } from '../http/consumers.ts'
import { explainRoute } from '../http/explain.ts'
import { explainTargetRoute } from '../http/explain-target.ts'
import { forwardHeartbeats, isReplica, replicaHeartbeatsRoute } from '../http/forward.ts'
import { healthRoutes } from '../http/health.ts'
import { heldRoute } from '../http/held.ts'
import { createHostResolver } from '../http/host-resolver.ts'
import { jobPagesRoute } from '../http/job-pages.ts'
import { createJobText } from '../http/job-text.ts'
import { jobsRoute } from '../http/jobs.ts'
import { metricsRoutes } from '../http/metrics.ts'
import { createPage } from '../http/page.ts'
import { createQuota } from '../http/quota.ts'
import { registrationBatchRoutes } from '../http/registration-batches.ts'
import { registrationRoutes } from '../http/registrations.ts'
import { type Reloaded, reloadRoute } from '../http/reload.ts'
import type { Route } from '../http/route.ts'
import { serviceDiscoveryRoutes } from '../http/service-discovery.ts'
import { statusRoute } from '../http/status.ts'
import { createTargetList } from '../http/target-list.ts'
import { createTokens, type Tokens } from '../http/tokens.ts'
import type { Replicas } from '../replicas/replicas.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import type { DemoParts } from './demo.ts'
import { pageRules } from './exposition-schema.ts'
import { createFileSd } from './file-sd.ts'
import type { FlinkPart } from './flink-part.ts'
import type { FlinkRoom } from './flink-room.ts'
import { createKafkaService, type KafkaService } from './kafka-service.ts'
import { createKeeper } from './keeper.ts'
import { consoleRoutes } from './landing.ts'
import { createHolderOf, createKafkaShare, createPresence, watchReplicas } from './replicas.ts'
import { flinkClustersOf, kafkaOf, rulesOf } from './rules.ts'
import { runningJobs } from './running-jobs.ts'
import type { Config } from './schema.ts'
import type { SelfMetrics } from './self-metrics.ts'
import { createTargetSources } from './target-sources.ts'
import { tokenGrants } from './token-grants.ts'

/** All that one configuration asks for. */
export interface Parts {
  /** Everything that runs, but for the HTTP server. */
  readonly services: readonly Service[]
  readonly routes: readonly Route[]
  /** True for an `Authorization` header with a token that is good. */
  readonly isToken: (authorization: string) => boolean
}

export interface PartsDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
  readonly metrics: SelfMetrics
  /** The simulated world, when it is a demo. */
  readonly world: DemoParts | undefined
  /** `host:port` at which we can be reached. */
  readonly address: () => string
  readonly reload: () => Promise<Reloaded>
  /** Has been prepared for every configuration of which parts are made. */
  readonly flinkRoom: FlinkRoom
  readonly replicas: Replicas
  /** What is to run here has to be made out again. */
  readonly recompose: () => void
}

/**
 * Makes the parts of one configuration after the other. What a new configuration leaves as it was stays the same object,
 * and so goes on; registry and target list are made once, from the first configuration.
 *
 * @throws ConfigError when a part cannot be made
 */
export function createParts(first: Config, deps: PartsDeps): (config: Config) => Parts {
  const { clock, logger, metrics, version, world, replicas } = deps
  const demo = world !== undefined
  const clusters = createKeeper<KafkaService>()
  const audits = createKeeper<Audit>()
  const files = createKeeper<Service>()
  let rules = rulesOf(first, world, clock)
  let printing = pageRules({ ...first, kafka: kafkaOf(first, world) })
  let configured: readonly string[] = []
  /** Once some Flink cluster is configured, and from then on: what was registered for it may have to be withdrawn. */
  let flink: FlinkPart | undefined
  /** Those of them that are read here. */
  let watched: readonly KafkaService[] = []

  const resolve = createHostResolver({ clock })
  const sources = createTargetSources(first, demo, {
    clock,
    logger,
    resolve,
    guard: (ip, caller) => rules.guard(ip, caller),
    holder: replicas.self,
    presence: createPresence(replicas),
    onOutcome: metrics.leaseEnded,
  })
  const { registry } = sources
  const replicaChanges = watchReplicas(replicas, deps.recompose)
  const holderOf = createHolderOf((id) => ('holderOf' in registry ? registry.holderOf(id) : undefined), replicas)
  const store = forwardHeartbeats(registry, { holderOf, logger })
  const jobViews = () => (rules.flinkClusters.length === 0 ? undefined : flink?.jobs())
  const isJobRunning = runningJobs(jobViews)
  const jobText = createJobText({ jobs: jobViews, limit: () => rules.mostJobSeries })
  const targets = createTargetList(
    {
      sources: sources.all,
      discoverers: () => flink?.firstLooks() ?? [],
      leaseSeconds: first.registration.default_lease / 1_000,
      mayReturn: !demo,
    },
    { clock, logger },
  )
  const page = createPage({ selfMetrics: metrics.render, jobs: jobText.pieces, rules: () => printing })
  const simulated = world?.services(registry) ?? []
  const snapshots = () => watched.flatMap((cluster) => cluster.current() ?? [])
  const names = () => configured

  metrics.onRender(() => {
    const synced = registry.view()?.confirmedAt
    const jobSeriesDropped = jobText.dropped()
    const shards = 'shards' in registry ? registry.shards() : undefined
    return {
      targets: targets.stats()?.states ?? {},
      series: page.series(),
      dropped: page.dropped(),
      replicas: replicas.members().length,
      ...(jobSeriesDropped === undefined ? {} : { jobSeriesDropped }),
      ...(shards === undefined ? {} : { shards }),
      ...(synced === undefined ? {} : { registrySyncedAt: (clock.wall() - (clock.monotonic() - synced)) / 1_000 }),
    }
  })

  function readiness(): { readonly ready: boolean; readonly waitingFor: readonly string[] } {
    const waitingFor = watched
      .filter((cluster) => cluster.current() === undefined)
      .map((cluster) => `first cycle of Kafka cluster "${cluster.kafkaCluster}"`)
    const gate = targets.gate()
    if (!gate.isOpen) waitingFor.push(`target list: ${gate.waitingFor}`)
    else if (targets.stats() === undefined) waitingFor.push('target list: to be built')
    return { ready: waitingFor.length === 0, waitingFor }
  }

  function routesOf(config: Config, tokens: Tokens, audit: Audit): readonly Route[] {
    const authority = createAuthority(tokens, clock)
    const changes = createChanges({ authority, audit })
    const registrations = {
      store,
      admit: createAdmission({
        guard: rules.guard,
        resolve,
        onRejected: metrics.rejected,
      }),
      changes,
      quota: createQuota(() => registry.view()?.targets ?? [], clock),
      leaseSeconds: config.registration.default_lease / 1_000,
    }
    const jobsInput = { jobs: jobViews, flinkClusters: () => rules.flinkClusters, clock }
    return [
      ...consoleRoutes({
        version,
        demo,
        clock,
        clusters: watched,
        targets: () => targets.stats()?.states,
        jobs: jobViews,
        address: deps.address,
      }),
      ...metricsRoutes({ clusters: { names, snapshots }, page, selfMetrics: metrics.render, jobs: jobText.pieces }),
      consumersRoute({ clusters: { names, snapshots }, compile: compilePattern }),
      statusRoute({ names, snapshots }),
      explainRoute({ names, snapshots }, async ({ kafkaCluster, consumer, topic, partition }) =>
        watched.find((cluster) => cluster.kafkaCluster === kafkaCluster)?.trace(consumer, topic, partition),
      ),
      jobsRoute(jobsInput),
      jobPagesRoute({ ...jobsInput, pages: { all: jobsPage, one: jobPage } }),
      ...serviceDiscoveryRoutes(targets),
      explainTargetRoute({ explain: sources.explain, gate: targets.gate }),
      ...registrationRoutes(registrations),
      ...registrationBatchRoutes(registrations),
      heldRoute({ changes, release: sources.release }),
      replicaHeartbeatsRoute({ store: registry, secret: () => replicas.secretOf(replicas.self) }),
      reloadRoute({ changes, reload: deps.reload }),
      ...healthRoutes(readiness),
    ]
  }

  function createFlink({ interval }: Config, kafka: Config['kafka']): FlinkPart {
    return deps.flinkRoom.create({
      registry,
      views: () => sources.all.map((source) => source.view()),
      owns: replicas.owns,
      rules: () => rules,
      kafka: () => watched,
      resolve,
      // A position is as old as its page: each cycle shall have new ones.
      pageIntervalMs: Math.min(interval, ...kafka.map((cluster) => cluster.interval)),
      onNews: () => {
        for (const cluster of watched) cluster.hurry()
      },
      observer: metrics,
      clock,
      logger,
    })
  }

  return (config) => {
    const { audit_file: auditFile } = config.registration
    // First, because it may fail: nothing has changed yet then.
    const audit = audits.keep('audit', auditFile, () => createAudit(auditFile, { clock, logger }))
    rules = rulesOf(config, world, clock)
    const all = kafkaOf(config, world)
    const flinkClusters = flinkClustersOf(config, world)
    if (flinkClusters.flink.length + flinkClusters.yarn.length > 0) flink ??= createFlink(config, all)
    const looking = flink?.services(flinkClusters) ?? []
    configured = all.map(({ name }) => name)
    printing = pageRules({ ...config, kafka: all })
    const { status } = world ?? config
    const isOurs = createKafkaShare(config.replicas.share_kafka, replicas)
    watched = all
      .filter(({ name }) => isOurs(name))
      .map((cluster) =>
        clusters.keep(cluster.name, { cluster, status, readsFlink: flink !== undefined }, () =>
          createKafkaService(cluster, {
            clock,
            logger,
            observer: metrics,
            objectives: (consumer, topic) => rules.objectives(consumer, topic),
            ...(flink === undefined ? {} : { flink: flink.input }),
            statusWindowMs: status.window,
            isJobRunning,
            isFlinkCluster: (name) => rules.flinkClusters.includes(name),
            ...(demo ? {} : { storage: config.storage.path }),
            onSnapshot: page.prepare,
            onStopped: metrics.forget,
          }),
        ),
      )
    const targetFiles = config.service_discovery.files.map((file) =>
      files.keep(file.path, file, () => createFileSd(file, { list: targets, clock, logger })),
    )
    const tokens = createTokens(tokenGrants(config.registration))
    return {
      services: [
        ...simulated,
        replicas,
        replicaChanges,
        ...sources.all,
        targets,
        ...targetFiles,
        ...watched,
        audit,
        ...looking,
      ],
      routes: routesOf(config, tokens, audit),
      isToken: (authorization) => {
        if (isReplica(authorization, replicas.secretOf(replicas.self))) return true
        const grant = tokens.find(authorization)
        return grant !== undefined && expiredSince(grant, clock.wall()) === undefined
      },
    }
  }
}
