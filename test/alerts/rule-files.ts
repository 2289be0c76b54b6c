import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

export const root = join(import.meta.dirname, '../..')

/** Strict: a key that Prometheus 2.42 does not know (`labels` of a group, `query_offset`) is refused here too. */
const Alert = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  keep_firing_for: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.strictObject({
    summary: z.string(),
    description: z.string(),
    runbook_url: z.string(),
    dashboard_url: z.string(),
  }),
})
const Recording = z.strictObject({ record: z.string(), expr: z.string() })
const RuleFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      interval: z.string().optional(),
      rules: z.array(z.union([Alert, Recording])),
    }),
  ),
})
type Rule = z.infer<typeof Alert> | z.infer<typeof Recording>
export type Alert = z.infer<typeof Alert>
export type Recording = z.infer<typeof Recording>

const Check = z.strictObject({
  eval_time: z.string(),
  alertname: z.string(),
  exp_alerts: z.array(z.object({ exp_labels: z.record(z.string(), z.string()) })),
})
const TestFile = z.object({
  rule_files: z.array(z.string()),
  tests: z.array(
    z.object({
      name: z.string(),
      input_series: z.array(z.object({ series: z.string() })),
      alert_rule_test: z.array(Check),
    }),
  ),
})
export type RuleTest = z.infer<typeof TestFile>['tests'][number]

export const ruleFiles: readonly string[] = readdirSync(join(root, 'alerts')).filter((file) => file.endsWith('.yaml'))

export const testFiles: readonly string[] = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.yaml'))

/** Every group of `alerts/*.yaml`. */
export const groups: readonly z.infer<typeof RuleFile>['groups'][number][] = ruleFiles.flatMap(
  (file) => RuleFile.parse(parse(readFileSync(join(root, 'alerts', file), 'utf8'))).groups,
)

const all: readonly Rule[] = groups.flatMap(({ rules }) => rules)

export const alerts: readonly Alert[] = all.flatMap((rule) => ('alert' in rule ? [rule] : []))

export const recordings: readonly Recording[] = all.flatMap((rule) => ('record' in rule ? [rule] : []))

/** Every case of `test/alerts/*.test.yaml`. */
export const ruleTests: readonly RuleTest[] = testFiles.flatMap(
  (file) => TestFile.parse(parse(readFileSync(join(import.meta.dirname, file), 'utf8'))).tests,
)
