import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile, truncate } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { guard, signalGroup } from './guard.ts'
import { portAnswers } from './ports.ts'

const stopAfterMs = 5_000
const lookEveryMs = 100

/** Looks once whether a process serves; asked again and again until it does. */
export type Readiness = (rigProcess: RigProcess) => Promise<boolean>

export interface ProcessOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Both output streams go here. */
  readonly logFile: string
  readonly env?: Readonly<Record<string, string>>
  /** All must hold. */
  readonly ready: readonly Readiness[]
  /** Default 90 s. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Opens standard input for `send`, and hands over each line of standard output instead of logging it. */
  readonly onLine?: (line: string) => void
}

/** A real program in a process group of its own, which dies with this process whatever happens. */
export interface RigProcess extends AsyncDisposable {
  readonly name: string
  readonly logFile: string
  /** Absent while it does not run. */
  readonly pid: number | undefined
  /** Settles when the present run has ended; at once when there is none. */
  exited(): Promise<void>
  /** Of the last run that has ended by itself or after a signal it caught; undefined when a signal ended it. */
  exitCode(): number | undefined
  /** What it wrote since its last start. */
  log(): Promise<string>
  /** Writes one line to its standard input; only with `onLine`. */
  send(line: string): void
  /** SIGSTOP: it keeps its sockets and answers nothing. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** SIGTERM, then SIGKILL after 5 s. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** The same command again, when it has ended or after a `stop()`; waits for readiness. */
  restart(): Promise<void>
}

interface Run {
  readonly child: ChildProcess
  readonly pid: number
  readonly ended: Promise<void>
}

/**
 * Starts a program and waits until it is ready.
 * @throws Error with the end of its log when it ends early, or is not ready in time; it is killed first.
 */
export async function startProcess(options: ProcessOptions): Promise<RigProcess> {
  const { name, logFile } = options
  let current: Run | undefined
  let exitCode: number | undefined

  const start = async () => {
    const started = await spawnRun(options)
    current = started
    void started.ended.then(() => {
      exitCode = started.child.exitCode ?? undefined
      if (current === started) current = undefined
    })
    try {
      await waitUntilReady(rigProcess, started, options)
    } catch (error) {
      send('SIGKILL')
      await started.ended
      throw error
    }
  }
  const send = (signal: NodeJS.Signals) => {
    if (current !== undefined) signalGroup(current.pid, signal)
  }
  const stop = async () => {
    if (current === undefined) return
    const { ended } = current
    send('SIGTERM')
    send('SIGCONT')
    const timer = new AbortController()
    const late = sleep(stopAfterMs, 'late', { signal: timer.signal }).catch(() => 'done')
    if ((await Promise.race([ended, late])) === 'late') send('SIGKILL')
    timer.abort()
    await ended
  }

  const rigProcess: RigProcess = {
    name,
    logFile,
    get pid() {
      return current?.pid
    },
    exited: async () => current?.ended,
    exitCode: () => exitCode,
    log: () => readFile(logFile, 'utf8'),
    send: (line) => {
      if (current === undefined) throw new Error(`Send to "${name}": it does not run`)
      current.child.stdin?.write(`${line}\n`)
    },
    pause: () => send('SIGSTOP'),
    resume: () => send('SIGCONT'),
    stop,
    kill: async () => {
      const ended = current?.ended
      send('SIGKILL')
      await ended
    },
    restart: async () => {
      await stop()
      await truncate(logFile)
      await start()
    },
    [Symbol.asyncDispose]: stop,
  }

  await start()
  return rigProcess
}

/** Ready when the log matches. */
export function logSays(pattern: RegExp): Readiness {
  return async (rigProcess) => pattern.test(await rigProcess.log())
}

/** Ready when something accepts connections on this port of 127.0.0.1. */
export function listensOn(port: number): Readiness {
  return () => portAnswers(port)
}

async function spawnRun({ name, command, args, logFile, env, onLine }: ProcessOptions): Promise<Run> {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, {
    detached: true,
    env: { ...process.env, ...env },
    stdio: onLine === undefined ? ['ignore', log, log] : ['pipe', 'pipe', log],
  })
  closeSync(log)
  const release = guard(child.pid)
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      release()
      resolve()
    })
  })
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => reject(new Error(`Start "${name}": "${command}" cannot be run`, { cause })))
  })
  child.stdin?.on('error', () => undefined)
  if (onLine !== undefined && child.stdout !== null) createInterface({ input: child.stdout }).on('line', onLine)
  if (child.pid === undefined) throw new Error(`Start "${name}": it has no process id`)
  return { child, pid: child.pid, ended }
}

async function waitUntilReady(rigProcess: RigProcess, { ended }: Run, options: ProcessOptions): Promise<void> {
  const { name, ready, timeoutMs = 90_000 } = options
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline])
  let hasEnded = false
  void ended.then(() => {
    hasEnded = true
  })
  for (const isReady of ready) {
    while (!(await isReady(rigProcess))) {
      if (hasEnded) throw new Error(`Start "${name}": it ended\n${await tail(rigProcess)}`)
      if (signal.aborted) {
        const state = deadline.aborted ? `not ready in ${timeoutMs} ms` : 'aborted'
        throw new Error(`Start "${name}": ${state}\n${await tail(rigProcess)}`, { cause: signal.reason })
      }
      await sleep(lookEveryMs)
    }
  }
  if (hasEnded) throw new Error(`Start "${name}": it ended\n${await tail(rigProcess)}`)
}

async function tail(rigProcess: RigProcess): Promise<string> {
  return (await rigProcess.log()).split('\n').slice(-40).join('\n')
}
