import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childSignal } from '../runtime/child-signal.ts'
import { ConfigError, describeError, UnavailableError } from '../runtime/errors.ts'
import type { InputSeries } from './input-series.ts'
import type { Rules } from './rule-files.ts'

/** Prometheus' own rule engine, as `promtool test rules` has it in memory. */
export interface Promtool {
  /** What it says of itself, such as `2.42.0`. */
  readonly version: string
  /**
   * Evaluates rules at every step over series, and tells the alerts that were firing at each.
   *
   * @throws TooManySamples when the engine may not look at so many series at once
   * @throws UnavailableError when it fails
   */
  firing(input: FiringInput, signal: AbortSignal): Promise<readonly FiringStep[]>
}

export interface FiringInput {
  readonly rules: Rules
  readonly series: readonly InputSeries[]
  readonly stepSeconds: number
  /** The first step to ask at, and how many there are in all. */
  readonly from: number
  readonly steps: number
}

/** An alert that is firing at a step. */
export interface FiringStep {
  readonly step: number
  readonly labels: ReadonlyMap<string, string>
}

const PROGRAM = 'promtool'
const ANSWER_WITHIN_MS = 10_000
const WORK_WITHIN_MS = 1_800_000
const MOST_OUTPUT = 512 << 20
const ASK = 'ALERTS{alertstate="firing"}'

/** What the engine says when it may not go on; part of it. */
export const tooManySamples = 'too many samples'

/**
 * Looks for promtool on the PATH.
 *
 * @throws ConfigError when there is none that runs
 */
export async function findPromtool(
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Promtool> {
  const run = (args: readonly string[], withinMs: number): Promise<Ran> => runPromtool(args, env, withinMs, signal)
  const { output } = await run(['--version'], ANSWER_WITHIN_MS).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw new ConfigError(
      [
        `--rules: promtool: ${describeError(cause)}; expected it on the PATH: it comes with Prometheus (https://prometheus.io/download, or the package prometheus)`,
      ],
      { cause },
    )
  })
  return {
    version: /version (\S+)/.exec(output)?.[1] ?? 'unknown',
    firing: async (input, within) => {
      within.throwIfAborted()
      const dir = await mkdtemp(join(tmpdir(), 'lagkeeper-replay-'))
      try {
        await writeFile(join(dir, 'rules.json'), JSON.stringify({ groups: input.rules.groups }))
        await writeFile(join(dir, 'test.json'), JSON.stringify(testOf(input)))
        const { output: said } = await run(['test', 'rules', join(dir, 'test.json')], WORK_WITHIN_MS)
        return answersIn(said, input.stepSeconds)
      } finally {
        await rm(dir, { recursive: true, force: true })
      }
    },
  }
}

/** promtool prints what it got where it expected something else: here nothing, so only steps at which an alert fires. */
function testOf({ rules, series, stepSeconds, from, steps }: FiringInput) {
  const interval = `${stepSeconds}s`
  const asked = Array.from({ length: steps - from }, (_, index) => ({
    expr: ASK,
    eval_time: `${(from + index) * stepSeconds}s`,
    exp_samples: [],
  }))
  return {
    rule_files: ['rules.json'],
    evaluation_interval: interval,
    group_eval_order: rules.groups.map(({ name }) => name),
    tests: [
      {
        interval,
        input_series: series.map(({ series: name, values }) => ({ series: name, values })),
        promql_expr_test: asked,
      },
    ],
  }
}

const answer = /^ *expr: "(?:[^"\\]|\\.)*", time: (\w+),?\s*\n *exp: *[^\n]*\n *got: *([^\n]*)$/gm

function answersIn(output: string, stepSeconds: number): readonly FiringStep[] {
  const fault = output.split('\n').find((line) => /\berr: /.test(line))
  if (fault !== undefined) throw new UnavailableError(`Evaluate rules with promtool: ${fault.trim()}`)
  const found: FiringStep[] = []
  for (const [, time = '', got = ''] of output.matchAll(answer))
    for (const labels of alertsIn(got)) found.push({ step: Math.round(secondsOf(time) / stepSeconds), labels })
  if (found.length === 0 && !output.includes('SUCCESS'))
    throw new UnavailableError(`Evaluate rules with promtool: ${output.trim().slice(0, 2_000)}`)
  return found
}

/** A duration of Go or of Prometheus, such as `1h0m15s`. */
function secondsOf(time: string): number {
  let seconds = 0
  for (const [, number = '', unit = ''] of time.matchAll(/(\d+)([dhms])/g))
    seconds += Number(number) * (unit === 'd' ? 86_400 : unit === 'h' ? 3_600 : unit === 'm' ? 60 : 1)
  return seconds
}

/** `{__name__="ALERTS", alertname="A", …} 1E+00, {…} 1E+00`. */
function alertsIn(got: string): readonly ReadonlyMap<string, string>[] {
  return [...got.matchAll(/\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\}/g)].map(
    ([, inside = '']) =>
      new Map(
        [...inside.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', value = '']) => [
          label,
          plainText(value),
        ]),
      ),
  )
}

/** Go quotes nearly as JSON does. */
function plainText(quoted: string): string {
  try {
    const text: unknown = JSON.parse(`"${quoted.replace(/\\x([0-9a-f]{2})/g, '\\u00$1').replace(/\\a/g, '\\u0007')}"`)
    return typeof text === 'string' ? text : quoted
  } catch {
    return quoted
  }
}

interface Ran {
  readonly output: string
}

/** The exit code of promtool says only whether a test failed, which ours shall. */
function runPromtool(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  withinMs: number,
  signal: AbortSignal,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const life = childSignal(signal)
    const timer = setTimeout(() => life.abort(), withinMs)
    const child = spawn(PROGRAM, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env },
      signal: life.signal,
    })
    const chunks: Buffer[] = []
    let bytes = 0
    const take = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > MOST_OUTPUT) life.abort()
      else chunks.push(chunk)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    let failure: unknown
    child.once('error', (error) => {
      failure = error
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      life.release()
      if (signal.aborted) return reject(signal.reason)
      if (life.signal.aborted)
        return reject(
          new UnavailableError(`Run promtool: no end within ${withinMs} ms, or more than ${MOST_OUTPUT} bytes`, {
            timedOut: true,
          }),
        )
      if (failure !== undefined || code === null)
        return reject(new UnavailableError('Run promtool: it does not run', { cause: failure }))
      resolve({ output: Buffer.concat(chunks).toString('utf8') })
    })
  })
}
