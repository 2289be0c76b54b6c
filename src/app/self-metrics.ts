import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { CollectObserver } from '../collect/observer.ts'
import { selfFamilies } from '../exposition/families.ts'

/** Each tick wakes the process: every 10 ms cost 0.4 % of a core, as much as all the rest while nothing happens. */
const loopTickMs = 250
/** The library looks at the loop by itself, which cannot be turned off: so seldom that it costs nothing. */
const neverMs = 2 ** 31 - 1
/** What the library then says of the loop is one long look. */
const loopMetrics = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
  (what) => `nodejs_eventloop_lag_${what}_seconds`,
)

/** The daemon's own metrics, on prom-client. Names and labels come from the one table in `exposition/`. */
export interface SelfMetrics extends CollectObserver {
  /** The page, Prometheus text format 0.0.4. */
  render(): Promise<string>
  rejected(field: string): void
  /** A lease ran out, and its target was looked at. */
  leaseEnded(outcome: string): void
  /** Nobody reads the Kafka cluster here any more. */
  forget(kafkaCluster: string): void
  /** Nobody reads this source of that name any more, such as `yarn` `prod`. */
  forgetSource(source: string, name: string): void
  /** How a reload came out. */
  reloaded(isSuccessful: boolean): void
  /** Asked at each render. */
  onRender(values: () => RenderedValues): void
}

/** Values that are read when the page is made, not counted along the way. */
interface RenderedValues {
  readonly targets: Readonly<Record<string, number>>
  /** Seconds since the Unix epoch; absent before the first complete view. */
  readonly registrySyncedAt?: number
  readonly replicas: number
  /** What our registrations have in ZooKeeper; absent without. */
  readonly shards?: { readonly pathBytes: number; readonly mostPathBytes: number; readonly expiries: number }
  readonly series: readonly { readonly kafkaCluster: string; readonly family: string; readonly count: number }[]
  /** What limits left out. */
  readonly dropped?: readonly { readonly kafkaCluster: string; readonly reason: string; readonly count: number }[]
  /** What the limit of job series left out; absent where no jobs are looked for. */
  readonly jobSeriesDropped?: number
}

/** Sources whose names are those of Flink clusters, which a Kafka cluster may have too. */
const finders: ReadonlySet<string> = new Set(['flink', 'yarn'])

export function createSelfMetrics(version: string): SelfMetrics {
  const registry = new Registry()
  const gauge = (family: { name: string; help: string; labels: readonly string[] }) =>
    new Gauge({ name: family.name, help: family.help, labelNames: [...family.labels], registers: [registry] })
  const counter = (family: { name: string; help: string; labels: readonly string[] }) =>
    new Counter({ name: family.name, help: family.help, labelNames: [...family.labels], registers: [registry] })

  const sourceUp = gauge(selfFamilies.sourceUp)
  const lastSuccess = gauge(selfFamilies.sourceLastSuccess)
  const sourceErrors = counter(selfFamilies.sourceErrors)
  const cycleDuration = gauge(selfFamilies.cycleDuration)
  const cycleInterval = gauge(selfFamilies.cycleInterval)
  const requests = counter(selfFamilies.kafkaRequests)
  const series = gauge(selfFamilies.series)
  const dropped = gauge(selfFamilies.seriesDropped)
  const targets = gauge(selfFamilies.targets)
  const rejected = counter(selfFamilies.registryRejected)
  const leasesEnded = counter(selfFamilies.registryLeasesEnded)
  const replicas = gauge(selfFamilies.replicas)
  const decodeErrors = counter(selfFamilies.peerDecodeErrors)
  const loopDelay = gauge(selfFamilies.eventLoopDelay)
  const reloadOk = gauge(selfFamilies.configReloadSuccessful)
  const reloadedAt = gauge(selfFamilies.configReloadedAt)
  gauge(selfFamilies.buildInfo).set({ version }, 1)
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: neverMs })
  for (const name of loopMetrics) registry.removeSingleMetric(name)

  const loop = monitorEventLoopDelay({ resolution: loopTickMs })
  loop.enable()
  let values: () => RenderedValues = () => ({ targets: {}, series: [], replicas: 0 })
  let syncGauge: Gauge | undefined
  let jobDropped: Gauge | undefined
  let room: { readonly bytes: Gauge; readonly expiries: Counter } | undefined
  const sources = new Map<string, Set<string>>()

  function forgetSource(source: string, name: string): void {
    sourceUp.remove({ source, name })
    lastSuccess.remove({ source, name })
    const others = sources.get(name)
    others?.delete(source)
    if (others?.size === 0) sources.delete(name)
  }

  return {
    request: (kafkaCluster, api) => requests.inc({ kafka_cluster: kafkaCluster, api }),
    decodeError: (peer) => decodeErrors.inc({ peer }),
    source: (source, name, { up, reasons }) => {
      sources.set(name, (sources.get(name) ?? new Set()).add(source))
      sourceUp.set({ source, name }, up ? 1 : 0)
      if (up) lastSuccess.set({ source, name }, Date.now() / 1_000)
      for (const reason of reasons) sourceErrors.inc({ source, name, reason })
    },
    cycle: (kafkaCluster, durationMs, intervalMs) => {
      cycleDuration.set({ kafka_cluster: kafkaCluster }, durationMs / 1_000)
      cycleInterval.set({ kafka_cluster: kafkaCluster }, intervalMs / 1_000)
    },
    forget: (name) => {
      for (const source of sources.get(name) ?? []) if (!finders.has(source)) forgetSource(source, name)
      cycleDuration.remove({ kafka_cluster: name })
      cycleInterval.remove({ kafka_cluster: name })
    },
    forgetSource,
    leaseEnded: (outcome) => leasesEnded.inc({ outcome }),
    rejected: (field) => rejected.inc({ field }),
    reloaded: (isSuccessful) => {
      reloadOk.set(isSuccessful ? 1 : 0)
      if (isSuccessful) reloadedAt.set(Date.now() / 1_000)
    },
    onRender: (next) => {
      values = next
    },
    render: async () => {
      const now = values()
      loopDelay.set(loop.max / 1e9)
      loop.reset()
      targets.reset()
      for (const [state, count] of Object.entries(now.targets)) targets.set({ state }, count)
      replicas.set(now.replicas)
      if (now.shards !== undefined) {
        room ??= { bytes: gauge(selfFamilies.registryPathBytes), expiries: counter(selfFamilies.registryExpiries) }
        room.bytes.set({ kind: 'used' }, now.shards.pathBytes)
        room.bytes.set({ kind: 'limit' }, now.shards.mostPathBytes)
        room.expiries.reset()
        room.expiries.inc(now.shards.expiries)
      }
      series.reset()
      for (const { kafkaCluster, family, count } of now.series)
        series.set({ kafka_cluster: kafkaCluster, family }, count)
      dropped.reset()
      for (const { kafkaCluster, reason, count } of now.dropped ?? [])
        dropped.set({ kafka_cluster: kafkaCluster, reason }, count)
      if (now.jobSeriesDropped !== undefined) {
        jobDropped ??= gauge(selfFamilies.jobSeriesDropped)
        jobDropped.set(now.jobSeriesDropped)
      }
      // A gauge without labels prints 0 until it is set, and 0 would be a date: it exists only once there is one.
      if (now.registrySyncedAt !== undefined) {
        syncGauge ??= gauge(selfFamilies.registryLastSync)
        syncGauge.set(now.registrySyncedAt)
      }
      return registry.metrics()
    },
  }
}
