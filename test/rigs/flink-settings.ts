import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type FlinkVersion, reporterKey } from './flink-versions.ts'
import { isAtLeast } from './version.ts'

const factory = 'org.apache.flink.metrics.prometheus.PrometheusReporterFactory'
const reporterClass = 'org.apache.flink.metrics.prometheus.PrometheusReporter'

/** Settings of the Prometheus reporter `prom` on the given ports, as Flink writes port ranges; none for `''`. */
export function reporterSettings(version: FlinkVersion, ports: string): Record<string, string> {
  if (ports === '') return {}
  const key = reporterKey(version)
  return {
    [`metrics.reporter.prom.${key}`]: key === 'class' ? reporterClass : factory,
    'metrics.reporter.prom.port': ports,
  }
}

/** Settings for small tests: everything on loopback, a checkpoint each second, dead processes noticed in seconds. */
export function clusterSettings(ports: { readonly rest: number; readonly rpc: number }, slots: number) {
  return {
    'jobmanager.rpc.address': '127.0.0.1',
    'jobmanager.bind-host': '127.0.0.1',
    'jobmanager.rpc.port': String(ports.rpc),
    'rest.address': '127.0.0.1',
    'rest.bind-address': '127.0.0.1',
    'rest.port': String(ports.rest),
    'rest.bind-port': String(ports.rest),
    'taskmanager.host': '127.0.0.1',
    'taskmanager.bind-host': '127.0.0.1',
    'taskmanager.numberOfTaskSlots': String(slots),
    ...taskManagerMemory,
    ...jobSettings,
    // 10 s and 50 s by default, with which every test of a dead TaskManager would wait for a minute.
    'heartbeat.interval': '2000',
    'heartbeat.timeout': '8000',
    // How long a TaskManager waits before it looks for its JobManager again; 10 s and 30 s by default.
    'cluster.registration.error-delay': '1000',
    'cluster.registration.refused-registration-delay': '1000',
    'web.refresh-interval': '1000',
  }
}

/** Settings of jobs: restarts without end, checkpoints each second. */
export const jobSettings = {
  'classloader.resolve-order': 'parent-first',
  'restart-strategy': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '1000',
  'restart-strategy.fixed-delay.delay': '1 s',
  'execution.checkpointing.interval': '1 s',
} as const

// A TaskManager that is not started by Flink's own scripts wants every part set: without, it says IllegalArgumentException.
const taskManagerMemory = {
  'taskmanager.cpu.cores': '4.0',
  'taskmanager.memory.task.heap.size': '192m',
  'taskmanager.memory.task.off-heap.size': '0m',
  'taskmanager.memory.network.min': '32m',
  'taskmanager.memory.network.max': '32m',
  'taskmanager.memory.managed.size': '32m',
  'taskmanager.memory.framework.heap.size': '128m',
  'taskmanager.memory.framework.off-heap.size': '64m',
  'taskmanager.memory.jvm-metaspace.size': '256m',
  'taskmanager.memory.jvm-overhead.min': '128m',
  'taskmanager.memory.jvm-overhead.max': '128m',
}

/** Writes Flink's configuration file into `folder`, in the form that this version reads. */
export async function writeSettings(
  folder: string,
  version: FlinkVersion,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  if (isAtLeast(version, '2.0')) {
    // Real YAML, in which `restart-strategy` cannot be a value and hold other keys.
    const { 'restart-strategy': strategy, ...rest } = settings
    const all = strategy === undefined ? rest : { ...rest, 'restart-strategy.type': strategy }
    await writeFile(join(folder, 'config.yaml'), stringify(all))
  } else {
    // Looks like YAML and is read line by line; quotes would be part of the value.
    const lines = Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`)
    await writeFile(join(folder, 'flink-conf.yaml'), lines.join(''))
  }
}
