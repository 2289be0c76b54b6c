import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianProgram } from './debian.ts'
import { goProgram } from './go.ts'
import { freePorts, withFreshPorts } from './ports.ts'
import { startProcess } from './process.ts'
import { createPrometheusApi, type PrometheusApi } from './prometheus-api.ts'

/** Debian 12's package and a build of the released module: the generations that a list or a page must suit alike. */
export type PrometheusVersion = '2.42.0' | '3.16.0'

export interface PrometheusOptions {
  /** Default 2.42.0. The first start of 3.16.0 builds it, which takes minutes. */
  readonly version?: PrometheusVersion
  /** The text of prometheus.yml. `rule_files: [rules/*.yml]` finds the rules below. */
  readonly config: string
  /** File name to text; they go into `rules/` beside the configuration. */
  readonly rules?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  /** Puts blocks of the past into the data folder before the start. */
  readonly fill?: (folder: string) => Promise<void>
  readonly signal?: AbortSignal
}

export interface PrometheusRig extends PrometheusApi, AsyncDisposable {
  readonly url: string
  /** Holds `prometheus.yml`, `rules/` and the data. */
  readonly dir: string
  /** Takes a new configuration, or reads the present files again. */
  reload(config?: string): Promise<void>
  stop(): Promise<void>
}

/** Of Debian's package, or built once, which takes minutes: ask for it in a hook and not in a test. */
export function prometheusBinary(version: PrometheusVersion): Promise<string> {
  return binary('prometheus', version)
}

function binary(name: 'prometheus' | 'promtool', version: PrometheusVersion): Promise<string> {
  if (version === '2.42.0') return debianProgram('prometheus', name)
  // As a module 3.16.0 is called v0.316.0.
  return goProgram({ module: 'github.com/prometheus/prometheus', version: 'v0.316.0', package: `cmd/${name}` })
}

export function promtoolBinary(version: PrometheusVersion = '2.42.0'): Promise<string> {
  return binary('promtool', version)
}

/** From Debian's prometheus-alertmanager. */
export function amtoolBinary(): Promise<string> {
  return debianProgram('prometheus-alertmanager', 'amtool')
}

/** Starts Prometheus on loopback with its data in a temporary folder, and waits until it is ready. */
export async function startPrometheus(options: PrometheusOptions): Promise<PrometheusRig> {
  const command = await prometheusBinary(options.version ?? '2.42.0')
  return withFreshPorts(() => startOnce(options, command))
}

async function startOnce(options: PrometheusOptions, command: string): Promise<PrometheusRig> {
  const dir = await mkdtemp(join(tmpdir(), 'lagkeeper-prometheus-'))
  const configFile = join(dir, 'prometheus.yml')
  const removeFolder = () => rm(dir, { recursive: true, force: true })
  await mkdir(join(dir, 'rules'))
  await writeFile(configFile, options.config)
  for (const [name, text] of Object.entries(options.rules ?? {})) await writeFile(join(dir, 'rules', name), text)
  await options.fill?.(join(dir, 'data')).catch(async (error: unknown) => {
    await removeFolder()
    throw error
  })
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const server = await startProcess({
    name: 'Prometheus',
    command,
    args: [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-lifecycle',
      ...(options.flags ?? []),
    ],
    logFile: join(dir, 'prometheus.log'),
    ready: [() => answersOk(`${url}/-/ready`)],
    timeoutMs: 60_000,
    ...(options.signal !== undefined && { signal: options.signal }),
  }).catch(async (error: unknown) => {
    await removeFolder()
    throw error
  })
  const stop = async () => {
    await server.kill()
    await removeFolder()
  }
  return {
    url,
    dir,
    ...createPrometheusApi(url),
    reload: async (config) => {
      if (config !== undefined) await writeFile(configFile, config)
      const response = await fetch(`${url}/-/reload`, { method: 'POST' })
      if (!response.ok) throw new Error(`Reload Prometheus: ${response.status} ${await response.text()}`)
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function answersOk(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  )
}
