import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { dashboardFiles, dashboardPath } from '../../dashboards/src/build.ts'

const Datasource = z.object({ type: z.string(), uid: z.string() })
const Target = z.object({
  expr: z.string(),
  refId: z.string(),
  datasource: Datasource,
  legendFormat: z.string().optional(),
  instant: z.boolean().optional(),
  range: z.boolean().optional(),
})
const Property = z.object({ id: z.string(), value: z.unknown().optional() })
const Mappings = z.array(z.object({ options: z.record(z.string(), z.object({ text: z.string(), color: z.string() })) }))
const Steps = z.array(z.object({ value: z.number().nullable(), color: z.string() }))
const Thresholds = z.object({ steps: Steps })
const Links = z.array(z.object({ title: z.string(), url: z.string() }))
const FieldConfig = z.object({
  defaults: z.object({
    unit: z.string().optional(),
    noValue: z.string().optional(),
    mappings: Mappings.optional(),
    thresholds: Thresholds.optional(),
  }),
  overrides: z
    .array(z.object({ matcher: z.object({ id: z.string(), options: z.string() }), properties: z.array(Property) }))
    .default([]),
})
const Panel = z.object({
  id: z.number(),
  type: z.string(),
  title: z.string(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  description: z.string().optional(),
  datasource: Datasource.optional(),
  targets: z.array(Target).default([]),
  fieldConfig: FieldConfig.optional(),
  transformations: z
    .array(
      z.object({
        id: z.string(),
        options: z.object({
          excludeByName: z.record(z.string(), z.boolean()).optional(),
          renameByName: z.record(z.string(), z.string()).optional(),
        }),
      }),
    )
    .default([]),
  links: Links.default([]),
  options: z
    .object({
      sortBy: z.array(z.object({ displayName: z.string() })).optional(),
      textMode: z.string().optional(),
    })
    .optional(),
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
        multi: z.boolean().optional(),
        includeAll: z.boolean().optional(),
        allValue: z.string().optional(),
      }),
    ),
  }),
  annotations: z.object({ list: z.array(z.object({ name: z.string(), expr: z.string(), datasource: Datasource })) }),
  links: z.array(z.looseObject({ title: z.string(), type: z.string(), url: z.string().optional() })),
  panels: z.array(Panel.extend({ panels: z.array(Panel).default([]) })),
})
export type Dashboard = z.infer<typeof Dashboard>
export type Panel = z.infer<typeof Panel>

/** A committed dashboard, as text and as what Grafana would read in it. */
interface DashboardFile {
  readonly file: string
  readonly text: string
  readonly dashboard: Dashboard
}

function readDashboard(file: string): DashboardFile {
  const text = readFileSync(dashboardPath(file), 'utf8')
  return { file, text, dashboard: Dashboard.parse(JSON.parse(text)) }
}

/** All that are built, in the order they are built. */
export function readDashboards(): readonly DashboardFile[] {
  return Object.keys(dashboardFiles()).map(readDashboard)
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

/** How one field of a panel is shown: the defaults, and what overrides say of its name or its query. */
export interface Looks {
  readonly unit: string
  /** By value. */
  readonly words: Readonly<Record<string, { readonly text: string; readonly color: string }>>
  readonly steps: z.infer<typeof Steps>
  readonly color?: string
  readonly isDashed: boolean
  /** Of the line under it, with which it makes a band. */
  readonly bandDownTo?: string
  readonly isHidden: boolean
}

export function looksOf(panel: Panel, name: string, refId: string): Looks {
  const properties = new Map<string, unknown>()
  for (const { matcher, properties: given } of panel.fieldConfig?.overrides ?? [])
    if (isFor(matcher, name, refId)) for (const { id, value } of given) properties.set(id, value)
  const defaults = panel.fieldConfig?.defaults
  const mappings = Mappings.safeParse(properties.get('mappings') ?? defaults?.mappings)
  const thresholds = Thresholds.safeParse(properties.get('thresholds') ?? defaults?.thresholds)
  const color = z.object({ fixedColor: z.string() }).safeParse(properties.get('color'))
  const band = z.string().safeParse(properties.get('custom.fillBelowTo'))
  return {
    unit: String(properties.get('unit') ?? defaults?.unit ?? ''),
    words: mappings.success ? (mappings.data[0]?.options ?? {}) : {},
    steps: thresholds.success ? thresholds.data.steps : [],
    ...(color.success && { color: color.data.fixedColor }),
    isDashed: properties.has('custom.lineStyle'),
    ...(band.success && { bandDownTo: band.data }),
    isHidden: properties.get('custom.lineWidth') === 0,
  }
}

function isFor(matcher: { readonly id: string; readonly options: string }, name: string, refId: string): boolean {
  if (matcher.id === 'byName') return matcher.options === name
  if (matcher.id === 'byFrameRefID') return matcher.options === refId
  return matcher.id === 'byRegexp' && new RegExp(matcher.options.slice(1, -1)).test(name)
}

/** Every link that a click in the panel may follow. */
export function linksOf(panel: Panel): z.infer<typeof Links> {
  const given = panel.fieldConfig?.overrides.flatMap(({ properties }) => properties) ?? []
  return [...panel.links, ...given.filter(({ id }) => id === 'links').flatMap(({ value }) => Links.parse(value))]
}
