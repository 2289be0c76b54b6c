import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { parsePage, type Sample } from '../../bench/conformance/page.ts'
import { sqlVertices } from '../../src/simulator/flink-plan.ts'
import { endOf } from '../../src/simulator/flink-splits.ts'
import { createFlinkWorld, type FlinkApplicationPlan, type FlinkWorld } from '../../src/simulator/flink-world.ts'
import { createKafkaCluster, type KafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { createSimulatedYarn, type SimulatedYarn } from '../../src/simulator/simulated-yarn.ts'
import { startDaemon } from '../rigs/daemon.ts'
import { daemonArgs } from './build.ts'
import { probeHealth } from './health-probe.ts'
import { type HostileGate, hostileGate } from './hostile-gate.ts'
import { type AllowedLag, watchLags } from './lag-oracle.ts'
import { watchLoop } from './loop-watch.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { eventually } from './waiting.ts'

/** Two YARN clusters: `healthy`, which no fault may reach, and `victim`, all of whose peers are behind gates. */
type FlinkClusterName = 'healthy' | 'victim'

export interface FlinkSimulatedWorld extends AsyncDisposable {
  readonly url: string
  readonly folder: string
  readonly kafka: KafkaCluster
  readonly yarns: Readonly<Record<FlinkClusterName, SimulatedYarn>>
  /** Before the only ResourceManager of `victim`. */
  readonly resourceManager: HostileGate
  /** Before the JobManager of the first application of `victim`. */
  readonly jobManager: HostileGate
  /** Before the reporters of `victim`, in the order of its ports. */
  readonly reporters: readonly HostileGate[]
  /** The gate of the reporter of a process of `victim`. */
  reporterOf(id: string): HostileGate
  pid(): number | undefined
  page(): Promise<readonly Sample[]>
  text(path: string): Promise<string>
  value(name: string, labels: Readonly<Record<string, string>>): Promise<string | undefined>
  /** How often something of a source could not be read. */
  errors(source: string, name: string): Promise<number>
  /** What its page says of a partition of a job. */
  lag(cluster: FlinkClusterName, job: string, topic: string, partition?: number): Promise<string | undefined>
  /** What that would be by what the job has emitted; undefined where its gauge says that it does not know. */
  truth(cluster: FlinkClusterName): ReadonlyMap<string, bigint>
  /** Waits until every lag of a cluster is the true one and all its processes are targets, with their addresses. */
  isRight(cluster: FlinkClusterName, ms?: number): Promise<void>
  /** Logs grow and jobs read, in turn, and every lag of a cluster follows. */
  follows(cluster: FlinkClusterName, ms?: number): Promise<void>
  /** `id address` of the targets of a cluster. */
  targets(cluster: FlinkClusterName): Promise<ReadonlySet<string>>
  /** What all targets of a cluster should be. */
  wantedTargets(cluster: FlinkClusterName): ReadonlySet<string>
  rssMb(): Promise<number>
  log(): Promise<string>
  /** From now on everything is watched; what it gives ends that and says what was wrong. */
  observe(options?: ObserveOptions): Promise<Observation>
}

interface ObserveOptions {
  /** Targets of the victim may go: somebody else answers at their addresses. */
  readonly mayLeave?: boolean
  /** They may be listed elsewhere: their own page is at other addresses too. */
  readonly mayMove?: boolean
  /** What the process may hold more than before at any time; 150 MB by default. */
  readonly mostMoreMb?: number
}

interface Observation {
  /** Fails when anything was wrong since `observe`. */
  end(): Promise<void>
}

export interface FlinkSimulatedWorldOptions {
  readonly victim?: readonly FlinkApplicationPlan[]
  /** Lines of YAML, of further entries of `flink:` and `yarn:`. */
  readonly flink?: readonly string[]
  readonly yarn?: readonly string[]
  /** Topics besides those of the usual jobs, with their partitions. */
  readonly topics?: Readonly<Record<string, number>>
  readonly prefix?: readonly string[]
  readonly victimPorts?: number
  /** Under which label a job is printed; its name by default. */
  readonly labelOf?: (name: string) => string
}

/** For so long a lag is held that could not be read. */
const heldMs = 95_000
/** A page, a cycle, and a processor that others have. */
const freshMs = 10_000
const mostStallMs = 150

/** One job in an application of its own, which reads all partitions of one topic. */
export function oneJob(name: string, topic: string, parallelism: number): FlinkApplicationPlan {
  const vertices = sqlVertices({
    table: topic,
    topics: [topic],
    sink: `${name}_sink`,
    groupBy: 'id',
    parallelism,
    recordsPerSecond: 10,
    startsBehind: 1_000,
  })
  return { name, version: '1.20.5', slots: 1, jobs: [{ name, vertices, checkpointSeconds: 3_600 }] }
}

export async function openFlinkSimulatedWorld(options: FlinkSimulatedWorldOptions = {}): Promise<FlinkSimulatedWorld> {
  const { labelOf = (name) => name } = options
  const kafka = await createKafkaCluster()
  const topics = { orders: 2, clicks: 2, payments: 2, ...options.topics }
  for (const [topic, partitions] of Object.entries(topics)) {
    kafka.state.createTopic(topic, partitions)
    for (let partition = 0; partition < partitions; partition++) kafka.state.append(topic, partition, 5_000)
  }
  const open = async (seed: number, plans: readonly FlinkApplicationPlan[], ports: number): Promise<SimulatedYarn> => {
    const world = createFlinkWorld(kafka.state, { now: Date.now, random: seededRandom(seed) })
    for (const plan of plans) world.submit(plan)
    const yarn = await createSimulatedYarn(world, { reporterPorts: ports })
    // The ApplicationMasters have their ports now, and register; then every source emits.
    await yarn.tick()
    await yarn.tick()
    return yarn
  }
  const healthy = await open(11, [oneJob('orders-etl', 'orders', 2), oneJob('clicks-etl', 'clicks', 1)], 8)
  const plans = options.victim ?? [oneJob('payments-etl', 'payments', 2), oneJob('orders-copy', 'orders', 1)]
  const victim = await open(12, plans, options.victimPorts ?? 8)
  const yarns = { healthy, victim }

  const ofVictim = (): FlinkWorld => victim.world
  const restPort = (): number | undefined => ofVictim().applications[0]?.cluster?.jobManager.restPort
  const reporters: HostileGate[] = []
  for (const port of victim.reporterPorts) reporters.push(await hostileGate(() => port))
  /** What a log says of a port is true of the gate before it. */
  const asGated = (body: string): string =>
    body.replace(/(?<=PrometheusReporter HTTP server on port )\d+/g, (port) =>
      String(reporters[victim.reporterPorts.indexOf(Number(port))]?.port ?? port),
    )
  const jobManager = await hostileGate(restPort, asGated)
  const manager = new URL(victim.resourceManagers[0] ?? '')
  let own = 0
  const resourceManager = await hostileGate(
    () => Number(manager.port),
    (body) =>
      asGated(body)
        .replaceAll(`"127.0.0.1:${restPort()}"`, `"127.0.0.1:${jobManager.port}"`)
        .replaceAll(`127.0.0.1:${manager.port}`, `127.0.0.1:${own}`),
  )
  own = resourceManager.port

  const folder = temporaryFolder('flink-world')
  const daemon = await startDaemon({
    folder,
    program: await daemonArgs(),
    args: ['--log.format=json'],
    ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
    config: [
      `storage: { path: "${folder}/data" }`,
      'interval: 1s',
      `kafka: [ { name: main, bootstrap: ${JSON.stringify(kafka.bootstrap)}, request_timeout: 2s } ]`,
      ...(options.flink === undefined ? [] : ['flink:', ...options.flink]),
      'yarn:',
      `  - { name: healthy, resource_managers: ${JSON.stringify(healthy.resourceManagers)}, interval: 1s, request_timeout: 2s }`,
      `  - { name: victim, resource_managers: ["http://127.0.0.1:${own}"], interval: 1s, request_timeout: 1s, reporter_ports: "${reporters.map(({ port }) => port).join(',')}" }`,
      ...(options.yarn ?? []),
    ].join('\n'),
  })
  const pid = (): number | undefined => daemon.process.pid
  const text = async (path: string): Promise<string> =>
    (await fetch(daemon.url + path, { signal: AbortSignal.timeout(20_000) })).text()
  let loop = watchLoop(pid)
  const page = async (): Promise<readonly Sample[]> => {
    const samples = parsePage(await text('/metrics'))
    await loop.saw(samples)
    return samples
  }
  const addressOf = (cluster: FlinkClusterName, port: number): string => {
    const at = cluster === 'victim' ? victim.reporterPorts.indexOf(port) : -1
    return `127.0.0.1:${reporters[at]?.port ?? port}`
  }

  function truth(cluster: FlinkClusterName): Map<string, bigint> {
    const lags = new Map<string, bigint>()
    for (const { cluster: flink } of yarns[cluster].world.applications)
      for (const { plan, vertices } of flink?.jobs ?? [])
        for (const { topic, partition, position, hasEmitted } of vertices.flatMap(({ subtasks }) =>
          subtasks.flatMap(({ splits }) => splits),
        ))
          if (hasEmitted) {
            const end = endOf(kafka.state, topic, partition)
            lags.set(`${cluster}/${labelOf(plan.name)}/${topic}/${partition}`, BigInt(end - position))
          }
    return lags
  }

  async function lags(cluster: FlinkClusterName): Promise<ReadonlyMap<string, bigint>> {
    const found = new Map<string, bigint>()
    for (const { name, labels, value } of await page())
      if (name === 'stream_consumer_records_lag' && labels['consumer']?.startsWith(`${cluster}/`))
        found.set(`${labels['consumer']}/${labels['topic']}/${labels['partition']}`, BigInt(value))
    return found
  }

  async function targets(cluster: FlinkClusterName): Promise<ReadonlySet<string>> {
    const groups: unknown = JSON.parse(await text('/sd/v1/targets'))
    const found = new Set<string>()
    for (const group of Array.isArray(groups) ? groups : []) {
      const { targets: addresses, labels } = Object(group)
      if (labels.__meta_lagkeeper_namespace !== cluster) continue
      for (const address of addresses)
        found.add(`${labels.__meta_lagkeeper_app}/${labels.__meta_lagkeeper_instance} ${address}`)
    }
    return found
  }

  function wantedTargets(cluster: FlinkClusterName): ReadonlySet<string> {
    const wanted = new Set<string>()
    for (const { application, cluster: flink } of yarns[cluster].world.applications) {
      if (flink === undefined) continue
      for (const { process } of yarns[cluster].world.processes().filter((one) => one.cluster === flink))
        if (process.reporterPort !== undefined) {
          const instance = process.kind === 'jobmanager' ? 'jobmanager' : process.id
          wanted.add(`${application.id}/${instance} ${addressOf(cluster, process.reporterPort)}`)
        }
    }
    return wanted
  }

  const isRight: FlinkSimulatedWorld['isRight'] = async (cluster, ms = 20_000) => {
    await eventually(`all lags of ${cluster} to be true`, ms, async () => same(await lags(cluster), truth(cluster)))
    const wanted = [...wantedTargets(cluster)].toSorted()
    await eventually(`all targets of ${cluster}`, ms, async () => {
      const found = [...(await targets(cluster))].toSorted()
      if (found.join() === wanted.join()) return true
      throw new Error(`listed are ${found.join(', ')}, expected ${wanted.join(', ')}`)
    })
  }

  const allowed = (strict: FlinkClusterName, loose: FlinkClusterName) => (): ReadonlyMap<string, AllowedLag> => {
    const all = new Map<string, AllowedLag>()
    for (const [key, lag] of truth(strict)) all.set(key, { least: lag, most: lag })
    for (const key of truth(loose).keys()) all.set(key, { least: 0n, most: 1n << 62n })
    return all
  }

  const world: FlinkSimulatedWorld = {
    url: daemon.url,
    folder,
    kafka,
    yarns,
    resourceManager,
    jobManager,
    reporters,
    reporterOf: (id) => {
      const { process } = victim.world.processes().find(({ process: one }) => one.id === id) ?? {}
      const gate = reporters[victim.reporterPorts.indexOf(process?.reporterPort ?? 0)]
      if (gate === undefined) throw new Error(`Find the reporter of "${id}": it has none`)
      return gate
    },
    pid,
    page,
    text,
    value: async (name, labels) =>
      (await page()).find(
        (one) => one.name === name && Object.entries(labels).every(([key, wanted]) => one.labels[key] === wanted),
      )?.value,
    errors: async (source, name) =>
      (await page())
        .filter((one) => one.name === 'lagkeeper_source_errors_total')
        .filter(({ labels }) => labels['source'] === source && labels['name'] === name)
        .reduce((sum, one) => sum + Number(one.value), 0),
    lag: async (cluster, job, topic, partition = 0) =>
      (await lags(cluster)).get(`${cluster}/${job}/${topic}/${partition}`)?.toString(),
    truth,
    isRight,
    follows: async (cluster, ms = 15_000) => {
      for (const [topic, partitions] of Object.entries(topics))
        for (let partition = 0; partition < partitions; partition++) kafka.state.append(topic, partition, 17)
      const growth = async () => same(await lags(cluster), truth(cluster))
      await eventually(`lags of ${cluster} to follow the logs`, ms, growth)
      await yarns[cluster].tick()
      await eventually(`lags of ${cluster} to follow the jobs`, ms, growth)
    },
    targets,
    wantedTargets,
    rssMb: async () => {
      const status = await readFile(`/proc/${pid()}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024
    },
    log: () => daemon.process.log(),
    observe: async ({ mayLeave = false, mayMove = false, mostMoreMb = 150 } = {}) => {
      const health = probeHealth(daemon.url)
      await health.begun
      const before = { pid: pid(), rss: await world.rssMb() }
      const url = `${daemon.url}/metrics`
      loop = watchLoop(pid)
      const { saw: onPage } = loop
      const strict = watchLags({ url, allowed: allowed('healthy', 'victim'), heldForMs: freshMs, onPage })
      const loose = watchLags({ url, allowed: allowed('victim', 'healthy'), heldForMs: heldMs, onPage })
      const wrongTargets = new Set<string>()
      let mostRss = before.rss
      const ending = new AbortController()
      const looking = (async () => {
        while (!ending.signal.aborted) {
          const wanted = [wantedTargets('healthy'), wantedTargets('victim')] as const
          const seen = await Promise.all([targets('healthy'), targets('victim')]).catch(() => undefined)
          if (seen === undefined) wrongTargets.add('no list that can be read')
          for (const [at, listed] of (seen ?? []).entries()) {
            if (at === 1 && mayMove) continue
            for (const one of listed) if (!wanted[at]?.has(one)) wrongTargets.add(`listed, and is not there: ${one}`)
            if (at === 1 && mayLeave) continue
            for (const one of wanted[at] ?? []) if (!listed.has(one)) wrongTargets.add(`missing: ${one}`)
          }
          mostRss = Math.max(mostRss, await world.rssMb().catch(() => 0))
          await sleep(250)
        }
      })()
      return {
        end: async () => {
          ending.abort()
          await looking
          const [one, other] = [await strict.stop(), await loose.stop()]
          const { count, p99, max } = await health.stop()
          process.stdout.write(
            `  health p99 ${Math.round(p99)} ms, max ${Math.round(max)} ms of ${count}; loop ${loop.maxMs()} ms; memory ${Math.round(before.rss)} MB, at most ${Math.round(mostRss)} MB; ${one.samples} samples\n`,
          )
          expect([...one.wrong, ...other.wrong], 'lags').toEqual([])
          expect([...wrongTargets], 'targets').toEqual([])
          expect(one.samples).toBeGreaterThan(0)
          expect(loop.maxMs(), 'longest stall of the event loop').toBeLessThanOrEqual(mostStallMs)
          expect(p99, 'health').toBeLessThanOrEqual(1_000)
          expect(mostRss - before.rss, 'memory').toBeLessThanOrEqual(mostMoreMb)
          expect(pid()).toBe(before.pid)
        },
      }
    },
    [Symbol.asyncDispose]: async () => {
      await daemon.process.stop()
      for (const gate of [resourceManager, jobManager, ...reporters]) await gate[Symbol.asyncDispose]()
      await Promise.all([healthy.close(), victim.close(), kafka[Symbol.asyncDispose]()])
    },
  }
  return world
}

function same(found: ReadonlyMap<string, bigint>, wanted: ReadonlyMap<string, bigint>): boolean {
  const wrong = [...new Set([...found.keys(), ...wanted.keys()])].filter((key) => found.get(key) !== wanted.get(key))
  if (wrong.length === 0) return true
  const some = wrong.slice(0, 5).map((key) => `${key}: printed ${found.get(key)}, is ${wanted.get(key)}`)
  throw new Error(`${wrong.length} are wrong: ${some.join('; ')}`)
}
