import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { flinkHome } from './flink-home.ts'
import { connectorJars, flinkClassPath, jobsJar } from './flink-jobs.ts'
import { freePortRange } from './flink-ports.ts'
import { writeFlinkLogSettings } from './flink-process.ts'
import { createFlinkApi, type FlinkApi } from './flink-rest.ts'
import { jobSettings, reporterSettings, writeSettings } from './flink-settings.ts'
import { type FlinkVersion, moduleFlags } from './flink-versions.ts'
import { until } from './flink-wait.ts'
import { jvmFlags } from './jvm.ts'
import { runOrThrow } from './run.ts'
import { isAtLeast } from './version.ts'
import type { YarnRig } from './yarn.ts'
import { killApplication } from './yarn-application.ts'
import { containersIn, type FlinkContainer } from './yarn-flink-containers.ts'

export interface YarnFlinkOptions {
  readonly yarn: YarnRig
  readonly version: FlinkVersion
  /** Of the application. */
  readonly name: string
  /** Default `stream`. */
  readonly queue?: string
  readonly tags?: readonly string[]
  /** Default: twenty ports in a row. */
  readonly reporterPorts?: string
  /** Of each TaskManager. Default 1, so that parallelism is the number of TaskManagers. */
  readonly slots?: number
  /** Added to Flink's configuration; the last word. */
  readonly config?: Readonly<Record<string, string>>
}

/** A Flink cluster as an application on YARN. */
export interface FlinkApplication {
  /** `application_…` */
  readonly id: string
  readonly reporterRange: string
  /** REST of the JobManager, found by way of the ResourceManager; undefined while no attempt runs. */
  rest(): Promise<string | undefined>
  /** Settles when an attempt runs and answers. */
  api(): Promise<FlinkApi>
  /** What runs now, by its processes and not by what anybody believes. */
  containers(): Promise<readonly FlinkContainer[]>
  /** Settles when `count` TaskManagers are registered and all tasks of at least one job run. Returns its id. */
  awaitJob(taskManagers: number): Promise<string>
  /** SIGKILL: YARN starts another container for it. Returns the id of the dead one. */
  killTaskManager(index: number): Promise<string>
  /** SIGKILL: YARN starts the next attempt, whose job begins anew. */
  killMaster(): Promise<void>
  /** SIGSTOP: the JobManager keeps its sockets and answers nothing. */
  freezeMaster(): Promise<void>
  /** SIGCONT. */
  thawMaster(): Promise<void>
  /** As an administrator does it. */
  kill(): Promise<void>
}

export interface FlinkSession extends FlinkApplication {
  /** Over REST. Returns the job's id; TaskManagers are started as it needs slots. */
  submitJar(mainClass: string, args: readonly string[]): Promise<string>
}

const submitAtMostMs = 180_000

/** Application mode: the cluster is there for one job, whose main method runs in the JobManager. */
export async function startFlinkApplication(
  options: YarnFlinkOptions & { readonly mainClass: string; readonly args: readonly string[] },
): Promise<FlinkApplication> {
  const run = isAtLeast(options.version, '2.0') ? 'run' : 'run-application'
  const main = ['-c', options.mainClass, await jobsJar(options.version), ...options.args]
  const front = 'org.apache.flink.client.cli.CliFrontend'
  return submit(options, (settings) => [front, run, '-t', 'yarn-application', ...settings, ...main])
}

/** Session mode: an empty cluster into which jobs come. */
export async function startFlinkSession(options: YarnFlinkOptions): Promise<FlinkSession> {
  const application = await submit(options, (settings) => [
    'org.apache.flink.yarn.cli.FlinkYarnSessionCli',
    '-d',
    '-nm',
    options.name,
    ...settings,
  ])
  return {
    ...application,
    submitJar: async (mainClass, args) => {
      const api = await application.api()
      const file = new Blob([await readFile(await jobsJar(options.version))])
      const jobId = await api.runJar(await api.uploadJar(file), mainClass, args)
      await until(`job "${jobId}" to run`, () => runs(api, jobId))
      return jobId
    },
  }
}

async function submit(
  options: YarnFlinkOptions,
  command: (settings: readonly string[]) => readonly string[],
): Promise<FlinkApplication> {
  const { yarn, version, name } = options
  const reporterRange = options.reporterPorts ?? (await freePortRange(20))
  const conf = await writeConfiguration(options, reporterRange)
  const home = await flinkHome(version)
  const environment = {
    JAVA_HOME: await javaHome(),
    FLINK_CONF_DIR: conf,
    FLINK_LIB_DIR: join(home, 'lib'),
    FLINK_PLUGINS_DIR: join(home, 'plugins'),
    HADOOP_CONF_DIR: yarn.confDir,
    YARN_CONF_DIR: yarn.confDir,
  }
  const classPath = `${await flinkClassPath(version)}:${join(yarn.clientJars, '*')}:${yarn.confDir}`
  const flags = [...jvmFlags('400m'), ...moduleFlags]
  const log = [`-Dlog.file=${join(conf, 'client.log')}`, `-Dlog4j.configurationFile=${join(conf, 'log4j2.properties')}`]
  const assignments = Object.entries(environment).map(([key, value]) => `${key}=${value}`)
  const java = ['java', ...flags, ...log, '-cp', classPath, ...command([`-Dyarn.application.name=${name}`])]
  const { stdout } = await runOrThrow('env', [...assignments, ...java], { timeoutMs: submitAtMostMs })
  const id = [...stdout.matchAll(/application_\d+_\d+/g)].at(-1)?.[0]
  if (id === undefined) throw new Error(`Submit "${name}": no application id in what it wrote\n${stdout.slice(-2_000)}`)
  return applicationOf(yarn, id, reporterRange)
}

function applicationOf(yarn: YarnRig, id: string, reporterRange: string): FlinkApplication {
  const rest = async () => {
    const text = JSON.stringify(await yarn.get(`/ws/v1/cluster/apps/${id}`))
    if (!text?.includes('"state":"RUNNING"')) return undefined
    const address = /"amRPCAddress":"([^"]+)"/.exec(text)?.[1]
    return address === undefined ? undefined : `http://${address}`
  }
  const api = () =>
    until(`"${id}" to answer`, async () => {
      const url = await rest()
      if (url === undefined) return undefined
      const found = createFlinkApi(url)
      await found.get('/overview')
      return found
    })
  const containers = async () => {
    const found = await Promise.all(yarn.nodeManagers.map(({ logDir }) => containersIn(join(logDir, id))))
    return found.flat()
  }
  const kill = async (what: string, container: FlinkContainer | undefined) => {
    if (container === undefined) throw new Error(`Kill ${what} of "${id}": none runs`)
    process.kill(container.pid, 'SIGKILL')
    await until(`${what} to end`, async () => (await containers()).every(({ pid }) => pid !== container.pid))
    return container.id
  }
  const master = async () => {
    const found = (await containers()).find(({ role }) => role === 'jobManager')
    if (found === undefined) throw new Error(`Find the master of "${id}": none runs`)
    return found
  }
  return {
    id,
    reporterRange,
    rest,
    api,
    containers,
    awaitJob: (count) =>
      until(`"${id}" to have a job on ${count} TaskManagers`, async () => {
        const flink = await api()
        if ((await flink.taskManagerIds()).length < count) return undefined
        for (const jobId of await flink.jobIds()) if (await runs(flink, jobId)) return jobId
        return undefined
      }),
    killTaskManager: async (index) => {
      const running = (await containers()).filter(({ role }) => role === 'taskManager')
      return kill('TaskManager', running[index])
    },
    killMaster: async () => {
      await kill('master', await master())
    },
    freezeMaster: async () => {
      process.kill((await master()).pid, 'SIGSTOP')
    },
    thawMaster: async () => {
      process.kill((await master()).pid, 'SIGCONT')
    },
    kill: () => killApplication(yarn, id),
  }
}

async function writeConfiguration(options: YarnFlinkOptions, reporterRange: string): Promise<string> {
  const { yarn, version, queue = 'stream', tags = [], slots = 1, config = {} } = options
  const conf = await mkdtemp(join(yarn.dir, 'flink-conf-'))
  const staging = join(conf, 'staging')
  await mkdir(staging)
  const home = await javaHome()
  const javaOptions = isAtLeast(version, '2.0') ? 'env.java.opts.all' : 'env.java.opts'
  await writeSettings(conf, version, {
    ...containerMemory,
    ...jobSettings,
    'taskmanager.numberOfTaskSlots': String(slots),
    'yarn.staging-directory': `file://${staging}`,
    'yarn.ship-files': await connectorJars(version),
    'yarn.application-attempts': '2',
    // `exec`, because the NodeManager of the rig ends the process that it started and not the group of it: without, the
    // JVMs of an attempt that has ended would go on.
    'yarn.container-start-command-template': 'exec %java% %jvmmem% %jvmopts% %logging% %class% %args% %redirects%',
    'yarn.application.queue': queue,
    ...(tags.length > 0 && { 'yarn.tags': tags.join(',') }),
    'containerized.master.env.JAVA_HOME': home,
    'containerized.taskmanager.env.JAVA_HOME': home,
    [javaOptions]: ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...moduleFlags].join(' '),
    ...reporterSettings(version, reporterRange),
    ...config,
  })
  // The client's own, and the one that containers get.
  await writeFlinkLogSettings(conf)
  await writeFile(join(conf, 'log4j.properties'), containerLog)
  return conf
}

const containerMemory = {
  'jobmanager.memory.process.size': '768m',
  'jobmanager.memory.jvm-metaspace.size': '192m',
  'jobmanager.memory.jvm-overhead.min': '64m',
  'taskmanager.memory.process.size': '832m',
  'taskmanager.memory.jvm-metaspace.size': '192m',
  'taskmanager.memory.jvm-overhead.min': '64m',
  'taskmanager.memory.managed.size': '48m',
  'taskmanager.memory.network.min': '32m',
  'taskmanager.memory.network.max': '32m',
}

const containerLog = `rootLogger.level = INFO
rootLogger.appenderRef.file.ref = file
appender.file.name = file
appender.file.type = File
appender.file.fileName = \${sys:log.file}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n
`

/** Of the Java that starts everything else here; containers would get that of their node, which is older. */
async function javaHome(): Promise<string> {
  const { stderr } = await runOrThrow('java', ['-XshowSettings:properties', '-version'])
  const home = /java\.home = (\S+)/.exec(stderr)?.[1]
  if (home === undefined) throw new Error('Find the home of Java: "java" does not say it')
  return home
}

async function runs(api: FlinkApi, jobId: string): Promise<boolean> {
  const { running, total } = await api.tasks(jobId)
  return (await api.jobState(jobId)) === 'RUNNING' && total > 0 && running === total
}
