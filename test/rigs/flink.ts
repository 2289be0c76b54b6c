import { openAsBlob } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jobsJar } from './flink-jobs.ts'
import { freePortRange } from './flink-ports.ts'
import { reporterPortOf, startFlinkProcess, writeFlinkLogSettings } from './flink-process.ts'
import { createFlinkApi, type FlinkApi, readable } from './flink-rest.ts'
import { clusterSettings, reporterSettings, writeSettings } from './flink-settings.ts'
import { sqlScript } from './flink-sql.ts'
import { type FlinkVersion, sqlConnector } from './flink-versions.ts'
import { until } from './flink-wait.ts'
import { freePorts, withFreshPorts } from './ports.ts'
import type { RigProcess } from './process.ts'

export interface FlinkOptions {
  readonly version: FlinkVersion
  /** Default 1. */
  readonly taskManagers?: number
  /** Of each TaskManager. Default 4. */
  readonly slots?: number
  /**
   * Ports of the reporters, as Flink writes ranges. Default: a range of free ones, four more than processes; `''`: no
   * reporter. They listen on all interfaces, because the reporter knows no address to listen on.
   */
  readonly reporterPorts?: string
  /** Added to Flink's configuration; the last word. */
  readonly config?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

interface FlinkTaskManager {
  /** As REST lists it and as `tm_id` says, but for the filter. */
  readonly id: string
  readonly pid: number
  readonly host: string
  /** Undefined when it found no free port. */
  readonly reporterPort: number | undefined
}

/** A standalone session cluster: one JobManager and TaskManagers, each a JVM of its own. */
export interface FlinkRig extends AsyncDisposable {
  readonly version: FlinkVersion
  /** `http://127.0.0.1:port` of the JobManager. */
  readonly rest: string
  readonly reporterRange: string
  readonly dir: string
  readonly api: FlinkApi
  /** In the order of their start; who was killed is not among them. */
  taskManagers(): readonly FlinkTaskManager[]
  /** Undefined while it does not run. */
  jobManager(): { readonly pid: number; readonly reporterPort: number | undefined } | undefined
  /** SIGKILL: the JobManager goes on listing it for some seconds. */
  killTaskManager(index: number): Promise<void>
  /** SIGSTOP: it keeps its sockets and answers nothing. */
  freezeTaskManager(index: number): void
  thawTaskManager(index: number): void
  /** Settles when the JobManager lists it. */
  addTaskManager(): Promise<FlinkTaskManager>
  killJobManager(): Promise<void>
  /** After `killJobManager`, on the same ports. Jobs do not survive that unless `config` says high availability. */
  startJobManager(): Promise<void>
  /**
   * Runs a file of `flink/sql` or a script and returns the ids of its jobs when they run. `${NAME}` stands for a
   * parameter, and `${CONNECTOR}` for the Kafka connector of this version.
   */
  submitSql(fileOrText: string, parameters?: Readonly<Record<string, string>>): Promise<readonly string[]>
  /** Runs a class of `flink/java` and returns the id of its job when all its tasks run. */
  submitJar(mainClass: string, args: readonly string[]): Promise<string>
  /** As `submitJar`, for a job that will not run: it does not wait. */
  startJob(mainClass: string, args: readonly string[]): Promise<string>
  /** Settles when all tasks of the job run. */
  awaitRunning(jobId: string): Promise<void>
  /** Settles when a checkpoint is complete that began after this call. */
  awaitCheckpoint(jobId: string): Promise<void>
  /** Settles when it has ended. */
  cancel(jobId: string): Promise<void>
  /** Kills everything and removes `dir`. */
  stop(): Promise<void>
}

/** Starts Flink on loopback, and waits until all TaskManagers are registered. */
export async function startFlink(options: FlinkOptions): Promise<FlinkRig> {
  await jobsJar(options.version)
  return withFreshPorts(() => startOnce(options))
}

async function startOnce(options: FlinkOptions): Promise<FlinkRig> {
  const { version, taskManagers: count = 1, slots = 4, config = {}, signal } = options
  const dir = await mkdtemp(join(tmpdir(), `lagkeeper-flink-${version}-`))
  const [restPort = 0, rpc = 0] = await freePorts(2)
  const rest = `http://127.0.0.1:${restPort}`
  const reporterRange = options.reporterPorts ?? (await freePortRange(count + 5))
  const api = createFlinkApi(rest)
  const jar = await jobsJar(version)
  const running: { readonly facts: FlinkTaskManager; readonly process: RigProcess }[] = []
  let jobManager: RigProcess | undefined
  let jobManagerPort: number | undefined
  let uploaded: string | undefined
  let started = 0

  const stop = async () => {
    await Promise.all([jobManager?.kill(), ...running.map(({ process }) => process.kill())])
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  }
  const common = { version, dir, reporter: reporterRange !== '', ...(signal !== undefined && { signal }) }
  const addTaskManager = async () => {
    started++
    const process = await startFlinkProcess({ ...common, role: 'taskManager', name: `taskmanager-${started}` })
    try {
      const facts = await describe(process)
      await until(`TaskManager "${facts.id}" to be listed`, async () => (await api.taskManagerIds()).includes(facts.id))
      running.push({ facts, process })
      return facts
    } catch (error) {
      await process.kill()
      throw error
    }
  }
  const at = (index: number) => {
    const found = running[index]
    if (found === undefined) throw new Error(`Choose TaskManager ${index}: ${running.length} run`)
    return found
  }
  const awaitRunning = async (jobId: string) => {
    try {
      await until(`job "${jobId}" to run`, async () => {
        const { running: now, total } = await api.tasks(jobId)
        return (await api.jobState(jobId)) === 'RUNNING' && total > 0 && now === total
      })
    } catch (cause) {
      const exceptions = await api.get(`/jobs/${jobId}/exceptions`).catch(String)
      throw new Error(`Run job "${jobId}": ${readable(JSON.stringify(exceptions))}`, { cause })
    }
  }
  const startJob = async (mainClass: string, args: readonly string[]) => {
    // What was uploaded is gone with the JobManager.
    uploaded ??= await api.uploadJar(await openAsBlob(jar))
    return api.runJar(uploaded, mainClass, args)
  }
  const submitJar = async (mainClass: string, args: readonly string[]) => {
    const jobId = await startJob(mainClass, args)
    await awaitRunning(jobId)
    return jobId
  }

  try {
    for (const folder of ['conf', 'log', 'tmp']) await mkdir(join(dir, folder))
    const settings = { ...clusterSettings({ rest: restPort, rpc }, slots), 'io.tmp.dirs': join(dir, 'tmp') }
    const all = { ...settings, ...reporterSettings(version, reporterRange), ...config }
    await writeSettings(join(dir, 'conf'), version, all)
    await writeFlinkLogSettings(join(dir, 'conf'))
    const answers = () => api.get('/overview').then(Boolean, () => false)
    jobManager = await startFlinkProcess({ ...common, role: 'jobManager', name: 'jobmanager', ready: [answers] })
    jobManagerPort = await reporterPortOf(jobManager)
    const outcomes = await Promise.allSettled(Array.from({ length: count }, addTaskManager))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  } catch (error) {
    await stop()
    throw error
  }

  return {
    version,
    rest,
    reporterRange,
    dir,
    api,
    taskManagers: () => running.map(({ facts }) => facts),
    jobManager: () =>
      jobManager?.pid === undefined ? undefined : { pid: jobManager.pid, reporterPort: jobManagerPort },
    killTaskManager: async (index) => {
      const { process } = at(index)
      running.splice(index, 1)
      await process.kill()
    },
    freezeTaskManager: (index) => at(index).process.pause(),
    thawTaskManager: (index) => at(index).process.resume(),
    addTaskManager,
    killJobManager: async () => {
      uploaded = undefined
      await jobManager?.kill()
    },
    startJobManager: async () => {
      await jobManager?.restart()
      jobManagerPort = jobManager && (await reporterPortOf(jobManager))
      const own = running.map(({ facts }) => facts.id)
      await until('the TaskManagers to come back', async () => {
        const listed = await api.taskManagerIds()
        return own.every((id) => listed.includes(id))
      })
    },
    submitSql: async (fileOrText, parameters = {}) => {
      const script = await sqlScript(fileOrText, { CONNECTOR: sqlConnector(version), ...parameters })
      return [await submitJar('rig.SqlRunner', [script])]
    },
    submitJar,
    startJob,
    awaitRunning,
    awaitCheckpoint: async (jobId) => {
      const from = Date.now()
      await until(`a checkpoint of job "${jobId}"`, async () => ((await api.lastCheckpoint(jobId)) ?? 0) > from)
    },
    cancel: async (jobId) => {
      await api.cancel(jobId)
      await until(`job "${jobId}" to end`, async () => {
        const state = await api.jobState(jobId)
        return state === undefined || /^(CANCELED|FINISHED|FAILED)$/.test(state)
      })
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function describe(process: RigProcess): Promise<FlinkTaskManager> {
  const pattern = /Starting TaskManager with ResourceID: ([^\s(]+)/
  await until(`"${process.name}" to say its id`, async () => pattern.test(await process.log()))
  const id = pattern.exec(await process.log())?.[1] ?? ''
  if (process.pid === undefined) throw new Error(`Start "${process.name}": it ended`)
  return { id, pid: process.pid, host: '127.0.0.1', reporterPort: await reporterPortOf(process) }
}
