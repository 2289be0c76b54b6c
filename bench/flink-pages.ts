import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ReaderFigures, ReaderStart } from './flink-pages-readers.ts'
import { type Figure, report } from './report.ts'

const TASK_MANAGERS = 1_000
const INTERVAL_MS = 30_000
/** Intervals in which everybody must have been read once: on a busy machine it is the reporters that need them. */
const MOST_STARTING = 4
const limits = { cpuPercent: 50, longestStepMs: 50, peakRssMb: 400 }

/**
 * 1,000 TaskManagers with pages of 650 kB, each read every 30 s: first all at once, as when the daemon starts, then
 * spread over the interval, which is what counts. Reporters, readers and this are processes of their own.
 */
export async function run(): Promise<boolean> {
  const naive = await measure('naive', 'whole')
  const whole = await measure('lagkeeper', 'whole')
  const families = await measure('lagkeeper', 'families')
  const title = `Load average ${loadavg()[0]?.toFixed(1)}, ${TASK_MANAGERS} pages of ${Math.round(whole.bytes / 1_000)} kB every ${INTERVAL_MS / 1_000} s`
  return [
    report(title, figuresOf(whole, naive)),
    report(`${title}, from reporters that can be asked for single families, as Flink's can`, figuresOf(families)),
  ].every(Boolean)
}

interface Measured {
  readonly bytes: number
  readonly start: Pick<ReaderFigures, 'wrong' | 'longestStepMs' | 'longestStepCpuMs'>
  readonly steady: ReaderFigures
  readonly peakRssMb: number
}

function figuresOf({ start, steady, peakRssMb }: Measured, naive?: Measured): readonly Figure[] {
  const peer = (measured: number | undefined) =>
    measured === undefined ? {} : { peer: { name: "fetch and text.split('\\n')", measured } }
  return [
    { what: 'pages that are not as they were sent', measured: start.wrong + steady.wrong, unit: '', limit: 0.5 },
    { what: `pages read in one interval (${steady.failures} reporters failed)`, measured: steady.pages, unit: '' },
    {
      what: 'processor time, receiving included',
      measured: 100 * steady.cpuShare,
      unit: '% of a core',
      limit: limits.cpuPercent,
      ...peer(naive && 100 * naive.steady.cpuShare),
    },
    { what: 'the same for a page', measured: cpuMsOf(steady), unit: 'ms', ...peer(naive && cpuMsOf(naive.steady)) },
    {
      what: `longest step, processor time (${Math.round(steady.longestStepMs)} ms by the clock)`,
      measured: steady.longestStepCpuMs,
      unit: 'ms',
      limit: limits.longestStepMs,
      ...peer(naive?.steady.longestStepCpuMs),
    },
    {
      what: `the same while all are read at once (${Math.round(start.longestStepMs)} ms by the clock)`,
      measured: start.longestStepCpuMs,
      unit: 'ms',
      limit: limits.longestStepMs,
    },
    { what: 'RSS', measured: steady.rssMb, unit: 'MB', ...peer(naive?.steady.rssMb) },
    { what: 'peak RSS', measured: peakRssMb, unit: 'MB', limit: limits.peakRssMb, ...peer(naive?.peakRssMb) },
  ]
}

function cpuMsOf({ cpuShare, pages }: ReaderFigures): number {
  return (cpuShare * INTERVAL_MS) / pages
}

async function measure(kind: string, ability: string): Promise<Measured> {
  const reporters = start('flink-pages-reporters.ts', [String(TASK_MANAGERS), ability])
  const reader = start('flink-pages-readers.ts', [])
  try {
    const [{ addresses, bytes }] = await once(reporters, 'message')
    const begin: ReaderStart = { kind, addresses, intervalMs: INTERVAL_MS }
    reader.send(begin)
    const starting: ReaderFigures[] = []
    do {
      await sleep(INTERVAL_MS)
      starting.push(await figuresNow(reader))
    } while (starting.reduce((sum, { pages }) => sum + pages, 0) < TASK_MANAGERS && starting.length < MOST_STARTING)
    // All get to their own place in the interval.
    await sleep(INTERVAL_MS)
    starting.push(await figuresNow(reader))
    await sleep(INTERVAL_MS)
    return { bytes, start: worstOf(starting), steady: await figuresNow(reader), peakRssMb: peakRssMb(reader) }
  } finally {
    for (const child of [reader, reporters]) {
      const gone = once(child, 'exit')
      child.kill()
      await gone
    }
  }
}

function worstOf(all: readonly ReaderFigures[]): Pick<ReaderFigures, 'wrong' | 'longestStepMs' | 'longestStepCpuMs'> {
  return {
    wrong: all.reduce((sum, { wrong }) => sum + wrong, 0),
    longestStepMs: Math.max(...all.map(({ longestStepMs }) => longestStepMs)),
    longestStepCpuMs: Math.max(...all.map(({ longestStepCpuMs }) => longestStepCpuMs)),
  }
}

function start(file: string, options: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), options, { execArgv: ['--import', 'tsx'] })
}

async function figuresNow(reader: ChildProcess): Promise<ReaderFigures> {
  reader.send('figures')
  const [figures] = await once(reader, 'message')
  return figures
}

/** High-water mark. @see proc_pid_status(5) */
function peakRssMb({ pid = 0 }: ChildProcess): number {
  return (Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024) / 1e6
}
