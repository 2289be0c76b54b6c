import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../rigs/ports.ts'
import { type RigProcess, startProcess } from '../rigs/process.ts'
import { daemonArgs } from './build.ts'
import { createOracle, listedIds, type Oracle } from './oracle.ts'
import { createRegistrants, ids, type Registrants } from './registrants.ts'
import { eventually } from './waiting.ts'
import { watch } from './watch.ts'

export interface WorldOptions {
  /** Lines of the configuration besides address, storage and log; `folder` is the world's own. */
  readonly yaml?: (folder: string) => string
  /** Options of the block `web` besides the address. */
  readonly web?: string
  /** Put in front of the command, such as `prlimit`. */
  readonly prefix?: readonly string[]
  readonly nodeFlags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Default: `data` in the folder of the world. */
  readonly storage?: string
  /** Files in the folder of the world, written before the start. */
  readonly files?: Readonly<Record<string, string>>
  /** Where the daemon is reached when it is not on loopback here. */
  readonly reach?: (port: number) => Promise<{ readonly url: string; readonly close: () => Promise<void> }>
  /** Called when the world ends. */
  readonly close?: () => Promise<unknown>
  /** Longest stall of the event loop; default 250. `false`: the fault is one. */
  readonly maxStallMs?: number | false
  /** Texts that no output may have. */
  readonly secrets?: readonly string[]
  /** Registered before anything else; 20 by default. */
  readonly registrations?: number
  /** Default 60 s: until the first list. */
  readonly startMs?: number
  /** The part of the target list that is looked at; the whole by default. */
  readonly list?: string
}

/** A daemon as a process of its own, its callers, and the oracle that watches it. */
export interface World extends Registrants, AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly folder: string
  readonly storage: string
  readonly configFile: string
  readonly process: RigProcess
  readonly oracle: Oracle
  /** Registered from the start: they stay whatever happens. */
  readonly residents: readonly string[]
  /** SIGSTOP until SIGCONT; no answer is expected in between. */
  pause(): void
  resume(): void
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the milliseconds until it had ended. @throws Error when that takes longer than `ms` */
  terminate(ms: number): Promise<number>
  /** Starts it again when it has ended; resolves when it answers. */
  restart(): Promise<void>
  /** What it serves now. */
  listed(): Promise<ReadonlySet<string>>
  /** One sample of its own page; undefined when there is none. */
  metric(series: string): Promise<number | undefined>
  rssMb(): Promise<number>
  /** Everything works: it answers, is ready, and a registration comes and goes within five seconds each. */
  healthy(): Promise<void>
  /** All that it wrote, over all its starts. */
  log(): Promise<string>
  /** What the oracle has against it; looks for secrets first. */
  verdict(): Promise<readonly string[]>
}

const visibleMs = 5_000
const stallMs = 250

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-faults-'))
  const storage = options.storage ?? join(folder, 'data')
  await mkdir(storage, { recursive: true })
  for (const [name, text] of Object.entries(options.files ?? {}))
    await writeFile(join(folder, name), text, { mode: 0o600 })
  const [port = 0] = await freePorts(1)
  const configFile = join(folder, 'lagkeeper.yaml')
  await writeFile(
    configFile,
    [
      `web: { ${[`listen_address: "127.0.0.1:${port}"`, ...(options.web === undefined ? [] : [options.web])].join(', ')} }`,
      `storage: { path: "${storage}" }`,
      'log: { format: json }',
      'demo: false',
      options.yaml?.(folder) ?? '',
    ].join('\n'),
  )
  const reached = await options.reach?.(port)
  const url = reached?.url ?? `http://127.0.0.1:${port}`
  const oracle = createOracle()
  const { secrets = [], list = '/sd/v1/targets' } = options
  const saw = (text: string): void => {
    if (text.length < 1_000_000)
      for (const secret of secrets) if (text.includes(secret)) oracle.violated('I8: a secret stands in an answer')
  }
  const registrants = createRegistrants(() => url, oracle, saw)
  const stop = new AbortController()
  let isDown = true
  let watching: Promise<void> = Promise.resolve()
  let earlierLogs = ''

  const answers = async (): Promise<boolean> =>
    (await fetch(`${url}/-/healthy`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined))?.ok === true
  const [command = process.execPath, ...before] = [...(options.prefix ?? []), process.execPath]
  const daemon = await startProcess({
    name: 'lagkeeper',
    command,
    args: [...before, ...(options.nodeFlags ?? []), ...(await daemonArgs()), `--config.file=${configFile}`],
    logFile: join(folder, 'daemon.log'),
    ready: [answers],
    timeoutMs: 60_000,
    ...(options.env === undefined ? {} : { env: options.env }),
  }).catch(async (error: unknown) => {
    await reached?.close()
    await options.close?.()
    await rm(folder, { recursive: true, force: true })
    throw error
  })

  const log = async (): Promise<string> => earlierLogs + (await daemon.log())
  const residents = ids('faults/resident/worker', options.registrations ?? 20)
  let gates = 0

  const world: World = {
    ...registrants,
    url,
    port,
    folder,
    storage,
    configFile,
    process: daemon,
    oracle,
    residents,
    pause: () => {
      isDown = true
      daemon.pause()
    },
    resume: () => {
      daemon.resume()
      isDown = false
    },
    kill: async () => {
      isDown = true
      await daemon.kill()
    },
    terminate: async (ms) => {
      isDown = true
      const began = performance.now()
      const { pid } = daemon
      if (pid !== undefined) process.kill(pid, 'SIGTERM')
      const late = new AbortController()
      const isLate = sleep(ms, true, { signal: late.signal }).catch(() => false)
      const timedOut = await Promise.race([daemon.exited().then(() => false), isLate])
      late.abort()
      if (timedOut) throw new Error(`End the daemon with SIGTERM: it still ran after ${ms} ms`)
      return performance.now() - began
    },
    restart: async () => {
      isDown = true
      earlierLogs += await daemon.log()
      oracle.restarted()
      await daemon.restart()
      isDown = false
    },
    listed: async () => {
      const { status, text } = await registrants.ask(list)
      return status === 200 ? listedIds(Buffer.from(text)) : new Set()
    },
    metric: async (series) => {
      const { text } = await registrants.ask('/metrics/self')
      const line = text.split('\n').find((one) => one.startsWith(`${series} `))
      return line === undefined ? undefined : Number(line.slice(series.length + 1))
    },
    rssMb: async () => {
      const status = await readFile(`/proc/${daemon.pid}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024
    },
    healthy: () => passGate(world, `faults/gate/worker/${++gates}`),
    log,
    verdict: async () => {
      const written = await log()
      for (const secret of secrets) if (written.includes(secret)) oracle.violated('I8: a secret stands in the log')
      if (oracle.looks() === 0) oracle.violated('nobody has looked: the oracle was blind')
      return oracle.violations()
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await watching
      await daemon.stop()
      await reached?.close()
      await options.close?.()
      if (process.env['LAGKEEPER_KEEP'] === undefined) await rm(folder, { recursive: true, force: true })
    },
  }

  try {
    await populate(world, options.startMs ?? 60_000)
  } catch (error) {
    await world[Symbol.asyncDispose]()
    throw error
  }
  isDown = false
  watching = watch(
    {
      url: () => url + list,
      selfUrl: () => `${url}/metrics/self`,
      pid: () => daemon.pid,
      oracle,
      saw,
      isDown: () => isDown,
      maxStallMs: options.maxStallMs === false ? undefined : (options.maxStallMs ?? stallMs),
    },
    stop.signal,
  )
  return world
}

async function populate(world: World, ms: number): Promise<void> {
  const { residents } = world
  if (residents.length === 0) return
  await eventually('residents to be registered', ms, async () => (await world.putMany(residents)).status === 200, 200)
  await eventually('the first list', ms, async () => (await world.listed()).size === residents.length)
}

async function passGate(world: World, id: string): Promise<void> {
  await eventually('/-/healthy', visibleMs, async () => (await world.ask('/-/healthy')).status === 200)
  await eventually('/-/ready', 2 * visibleMs, async () => (await world.ask('/-/ready')).status === 200)
  await eventually('a registration to be taken', visibleMs, async () => (await world.put(id)).status === 200)
  await eventually('it to be listed', visibleMs, async () => (await world.listed()).has(id))
  await eventually('its end to be taken', visibleMs, async () => (await world.withdraw(id)).status === 204)
  await eventually('it to be gone', visibleMs, async () => !(await world.listed()).has(id))
}
