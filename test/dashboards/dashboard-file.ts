import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { dashboardPath } from '../../dashboards/src/build.ts'

const Datasource = z.object({ type: z.string(), uid: z.string() })
const Target = z.object({
  expr: z.string(),
  refId: z.string(),
  datasource: Datasource,
  instant: z.boolean().optional(),
  range: z.boolean().optional(),
})
const Panel = z.object({
  id: z.number(),
  type: z.string(),
  title: z.string(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  description: z.string().optional(),
  datasource: Datasource.optional(),
  targets: z.array(Target).default([]),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().optional() }) }).optional(),
})
const Dashboard = z.object({
  id: z.null(),
  uid: z.string(),
  title: z.string(),
  editable: z.boolean(),
  schemaVersion: z.number(),
  refresh: z.string(),
  tags: z.array(z.string()),
  templating: z.object({
    list: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        query: z.union([z.string(), z.object({ query: z.string() })]),
        datasource: Datasource.optional(),
        refresh: z.number().optional(),
        multi: z.boolean(),
        includeAll: z.boolean(),
        allValue: z.string().optional(),
      }),
    ),
  }),
  annotations: z.object({ list: z.array(z.object({ name: z.string(), expr: z.string(), datasource: Datasource })) }),
  links: z.array(z.object({ title: z.string(), url: z.string() })),
  panels: z.array(Panel.extend({ panels: z.array(Panel).default([]) })),
})
export type Dashboard = z.infer<typeof Dashboard>
export type Panel = z.infer<typeof Panel>

/** A committed dashboard, as text and as what Grafana would read in it. */
export function readDashboard(file: string): { readonly text: string; readonly dashboard: Dashboard } {
  const text = readFileSync(dashboardPath(file), 'utf8')
  return { text, dashboard: Dashboard.parse(JSON.parse(text)) }
}

/** All panels but the rows themselves, those of folded rows included. */
export function panelsOf(dashboard: Dashboard): readonly Panel[] {
  return dashboard.panels.flatMap((panel) => (panel.type === 'row' ? panel.panels : [panel]))
}

/** The `label_values(selector, label)` of a query variable. */
export function labelValuesOf(query: Dashboard['templating']['list'][number]['query']): {
  readonly selector: string
  readonly label: string
} {
  const text = typeof query === 'string' ? query : query.query
  const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(text) ?? []
  return { selector, label }
}
