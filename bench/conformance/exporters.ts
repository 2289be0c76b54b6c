import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageVersion } from '../../src/app/version.ts'
import { selfFamilies } from '../../src/exposition/families.ts'
import { cargoProgram } from '../../test/rigs/cargo.ts'
import { daemonMain } from '../../test/rigs/daemon.ts'
import { freePorts } from '../../test/rigs/ports.ts'
import { listensOn, startProcess } from '../../test/rigs/process.ts'
import { findNameSet, type NameSet } from './name-sets.ts'
import { parsePage } from './page.ts'

/** A lag exporter that runs and looks at one cluster. */
export interface Exporter extends AsyncDisposable {
  readonly name: string
  /** Of its page. */
  readonly url: string
  readonly names: NameSet
  /** Of its process; undefined when somebody else has started it. */
  readonly pid: number | undefined
  /** How many requests it says it has sent to the brokers, where it counts them. */
  readonly requestsSent?: () => Promise<number>
}

export interface ExporterOptions {
  readonly bootstrap: string
  /** How often it looks at the cluster. */
  readonly intervalSeconds: number
  /** For its configuration, data and log. */
  readonly folder: string
  /** For Node, where it runs on that. */
  readonly nodeFlags?: readonly string[]
}

const KLAG_EXPORTER = {
  crate: 'klag-exporter',
  version: '0.1.29',
  libraries: [
    'libsasl2-dev',
    'libsasl2-2',
    'libcurl4-openssl-dev',
    'libcurl4',
    'liblz4-dev',
    'liblz4-1',
    'libzstd-dev',
    'libzstd1',
  ],
} as const

/** An exporter that we can start. */
export interface KnownExporter {
  /** For people. */
  readonly title: string
  readonly version: string
  /** Settles when it listens. */
  readonly start: (options: ExporterOptions) => Promise<Exporter>
}

/** Exporters that can be had on any machine with the tools of the rigs; our own also with the names of others. */
export const exporters: Readonly<Record<string, KnownExporter>> = {
  lagkeeper: { title: 'Lagkeeper', version: packageVersion(), start: startLagkeeper },
  'lagkeeper-as-kafka_exporter': inPlaceOf('kafka_exporter'),
  'lagkeeper-as-kafka_lag_exporter': inPlaceOf('kafka_lag_exporter'),
  'klag-exporter': { title: 'klag-exporter', version: KLAG_EXPORTER.version, start: startKlagExporter },
}

/** Our own daemon, judged by the names that it prints for the dashboards of another exporter; the reasons stay ours. */
function inPlaceOf(other: string): KnownExporter {
  return {
    title: `Lagkeeper as ${other}`,
    version: packageVersion(),
    start: async (options) => {
      const [own, names] = [await findNameSet('lagkeeper'), await findNameSet(other)]
      const exporter = await startLagkeeper(options, [`exposition: { compat: [ ${other} ] }`])
      // Their names, our values: Prometheus would drop a label that is empty.
      return { ...exporter, names: { ...names, reasons: own.reasons, emptyGroup: own.emptyGroup } }
    },
  }
}

/** Our own daemon as built (`npm run build`), with more lines of configuration. */
async function startLagkeeper(options: ExporterOptions, more: readonly string[] = []): Promise<Exporter> {
  const { bootstrap, intervalSeconds, folder, nodeFlags = [] } = options
  const [port = 0] = await freePorts(1)
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'lagkeeper.yaml')
  await writeFile(
    config,
    [
      `web: { listen_address: "127.0.0.1:${port}" }`,
      `kafka: [ { name: conformance, bootstrap: [ "${bootstrap}" ] } ]`,
      `interval: ${intervalSeconds}s`,
      `storage: { path: "${join(folder, 'data')}" }`,
      ...more,
      '',
    ].join('\n'),
  )
  const process = await startProcess({
    name: 'lagkeeper',
    command: globalThis.process.execPath,
    args: [...nodeFlags, daemonMain, `--config.file=${config}`, '--log.level=error'],
    logFile: join(folder, 'lagkeeper.log'),
    ready: [listensOn(port)],
  })
  const names = await findNameSet('lagkeeper')
  const url = `http://127.0.0.1:${port}/metrics`
  const requestsSent = async (): Promise<number> => {
    const samples = parsePage(await (await fetch(`${url}/self`)).text())
    return samples
      .filter(({ name }) => name === selfFamilies.kafkaRequests.name)
      .reduce((sum, { value }) => sum + Number(value), 0)
  }
  return { name: 'lagkeeper', url, names, pid: process.pid, requestsSent, [Symbol.asyncDispose]: process.stop }
}

/** With partitions, which by default it does not print. */
async function startKlagExporter({ bootstrap, intervalSeconds, folder }: ExporterOptions): Promise<Exporter> {
  const { path, env } = await cargoProgram(KLAG_EXPORTER)
  const [port = 0] = await freePorts(1)
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'klag-exporter.toml')
  await writeFile(
    config,
    [
      '[exporter]',
      `poll_interval = "${intervalSeconds}s"`,
      `http_port = ${port}`,
      'http_host = "127.0.0.1"',
      'granularity = "partition"',
      '[[clusters]]',
      'name = "conformance"',
      `bootstrap_servers = "${bootstrap}"`,
      'group_whitelist = [".*"]',
      'topic_whitelist = [".*"]',
      '',
    ].join('\n'),
  )
  const process = await startProcess({
    name: 'klag-exporter',
    command: path,
    args: ['--config', config, '--log-level', 'warn'],
    env,
    logFile: join(folder, 'klag-exporter.log'),
    ready: [listensOn(port)],
  })
  const names = await findNameSet('klag_exporter')
  const url = `http://127.0.0.1:${port}/metrics`
  return { name: 'klag-exporter', url, names, pid: process.pid, [Symbol.asyncDispose]: process.stop }
}

export interface ForeignExporter {
  readonly name: string
  readonly url: string
  readonly names: NameSet
  /** A shell command that starts it, in which `{bootstrap}` stands for the brokers; undefined when it runs already. */
  readonly command?: string
}

/** An exporter of the user's own. */
export async function useExporter(foreign: ForeignExporter, { bootstrap, folder }: ExporterOptions): Promise<Exporter> {
  const { name, url, names, command } = foreign
  if (command === undefined) return { name, url, names, pid: undefined, [Symbol.asyncDispose]: async () => undefined }
  await mkdir(folder, { recursive: true })
  const process = await startProcess({
    name,
    command: '/bin/sh',
    args: ['-c', `exec ${command.replaceAll('{bootstrap}', bootstrap)}`],
    logFile: join(folder, 'exporter.log'),
    ready: [listensOn(Number(new URL(url).port))],
  })
  return { name, url, names, pid: process.pid, [Symbol.asyncDispose]: process.stop }
}
