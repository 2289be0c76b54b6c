import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { flinkHome } from './flink-home.ts'
import { flinkClassPath } from './flink-jobs.ts'
import { type FlinkVersion, moduleFlags } from './flink-versions.ts'
import { jvmFlags } from './jvm.ts'
import { logSays, type Readiness, type RigProcess, startProcess } from './process.ts'

const mains = {
  jobManager: 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
  taskManager: 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
} as const

// On two cores that others use as well; alone it takes 5 to 10 s.
const startAtMostMs = 120_000

interface FlinkProcessOptions {
  readonly version: FlinkVersion
  readonly role: keyof typeof mains
  /** Names its log file. */
  readonly name: string
  /** Holds `conf/` and `log/`. */
  readonly dir: string
  readonly reporter: boolean
  readonly ready?: readonly Readiness[]
  readonly signal?: AbortSignal
}

/** Starts a JobManager or a TaskManager, and waits until its reporter, if it is to have one, has said its port or failed. */
export async function startFlinkProcess(options: FlinkProcessOptions): Promise<RigProcess> {
  const { version, role, name, dir, reporter, ready = [], signal } = options
  const home = await flinkHome(version)
  const conf = join(dir, 'conf')
  const logFile = join(dir, 'log', `flink-${name}.log`)
  const heap = role === 'jobManager' ? '512m' : '320m'
  return startProcess({
    name: `Flink ${version} ${name}`,
    command: 'java',
    args: [
      ...jvmFlags(heap),
      '-Xms64m',
      ...moduleFlags,
      // What Flink shows as its log over REST is the file that we read too.
      `-Dlog.file=${logFile}`,
      `-Dlog4j.configurationFile=${join(conf, 'log4j2.properties')}`,
      '-cp',
      await flinkClassPath(version),
      mains[role],
      '--configDir',
      conf,
      ...(role === 'jobManager' ? ['--executionMode', 'cluster'] : []),
    ],
    logFile,
    env: {
      FLINK_HOME: home,
      FLINK_LIB_DIR: join(home, 'lib'),
      // Where the Prometheus reporter is.
      FLINK_PLUGINS_DIR: join(home, 'plugins'),
      FLINK_CONF_DIR: conf,
    },
    ready: [...(reporter ? [logSays(/PrometheusReporter HTTP server|instantiate MetricReporter/)] : []), ...ready],
    timeoutMs: startAtMostMs,
    ...(signal !== undefined && { signal }),
  })
}

/** The port that its reporter said; undefined when it found none free. */
export async function reporterPortOf(rigProcess: RigProcess): Promise<number | undefined> {
  const found = /Started PrometheusReporter HTTP server on port (\d+)/.exec(await rigProcess.log())
  return found?.[1] === undefined ? undefined : Number(found[1])
}

/** To standard output, in Flink's own layout: finding the reporter's port by its log line is part of what is tested. */
export async function writeFlinkLogSettings(conf: string): Promise<void> {
  await writeFile(
    join(conf, 'log4j2.properties'),
    `rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n
`,
  )
}
