import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PrometheusVersion, promtoolBinary } from '../../test/rigs/prometheus.ts'
import { run } from '../../test/rigs/run.ts'
import { parsePage } from '../conformance/page.ts'
import { ACCOUNTS, accountRules } from './accounts.ts'
import type { InputSeries } from './recorded-series.ts'

import type { Rules } from './rule-files.ts'

/** One element of an answer of PromQL. */
export interface Answer {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface EngineInput {
  readonly rules: Pick<Rules, 'files' | 'groups'>
  /** Whether what fired is counted for all consumers together. */
  readonly isWhole: boolean
  readonly inputSeries: readonly InputSeries[]
  /** Between scrapes, and between evaluations. */
  readonly stepSeconds: number
  readonly steps: number
  readonly version?: PrometheusVersion
}

/**
 * Evaluates rule files over series with Prometheus' own rule engine, in the memory of `promtool test rules`, and then asks
 * each expression once, at the last step. The alerts are there as `ALERTS`, as in a server.
 *
 * promtool prints what it got for an expression that does not give what a test expects, so each test here expects what
 * cannot be. A query of its engine may hold 10,000 samples: give it the series of some consumers at a time.
 *
 * @throws Error when a rule or an expression could not be evaluated
 */
export async function evaluateRules(
  { rules, isWhole, inputSeries, stepSeconds, steps, version = '2.42.0' }: EngineInput,
  expressions: readonly string[],
): Promise<readonly (readonly Answer[])[]> {
  const dir = await mkdtemp(join(tmpdir(), 'lagkeeper-scenarios-'))
  try {
    const file = join(dir, 'test.json')
    const accounts = join(dir, 'accounts.json')
    const evalTime = `${(steps - 1) * stepSeconds}s`
    const impossible = [{ labels: 'impossible', value: 0 }]
    const interval = `${stepSeconds}s`
    const promqlTests = expressions.map((expr) => ({ expr, eval_time: evalTime, exp_samples: impossible }))
    const test = {
      rule_files: [...rules.files, accounts],
      evaluation_interval: interval,
      group_eval_order: [...rules.groups, ACCOUNTS],
      tests: [
        {
          interval,
          input_series: inputSeries.map(({ series, values }) => ({ series, values })),
          promql_expr_test: promqlTests,
        },
      ],
    }
    await writeFile(accounts, accountRules(isWhole))
    await writeFile(file, JSON.stringify(test))
    const { stdout, stderr } = await run(await promtoolBinary(version), ['test', 'rules', file], { timeoutMs: 600_000 })
    return answersOf(`${stdout}\n${stderr}`, expressions)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const mismatch = /^ {4}expr: ("(?:[^"\\]|\\.)*"), time: [^\n]*\n {8}exp: *([^\n]*)\n {8}got: *([^\n]*)$/gm

function answersOf(output: string, expressions: readonly string[]): readonly (readonly Answer[])[] {
  const got = new Map<string, string>()
  for (const [, expression = '""', , text = ''] of output.matchAll(mismatch)) got.set(JSON.parse(expression), text)
  const fault = output.split('\n').find((line) => /\berr: /.test(line))
  if (fault !== undefined || expressions.some((expression) => !got.has(expression)))
    throw new Error(`Evaluate rules with promtool: ${fault?.trim() ?? output.slice(0, 2_000)}`)
  return expressions.map((expression) => answersIn(got.get(expression) ?? 'nil'))
}

/** `{a="b"} 8E+01, {a="c"} 1E+00`, `{} 2E+00` or `nil`. */
function answersIn(text: string): readonly Answer[] {
  if (text === 'nil') return []
  const lines = text.replace(/(?<= \S+), (?=[\w:]*\{)/g, '\n')
  return parsePage(lines.replace(/^\{/gm, 'answer{')).map(({ labels, value }) => ({ labels, value: Number(value) }))
}
