import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { severities } from '../../src/model/objective.ts'
import { unknownNames } from './promql.ts'
import { alerts, recordings, root } from './rule-files.ts'

const runbooks = join(root, 'docs/runbooks')
const names = alerts.map((rule) => rule.alert)
const catalogue = readFileSync(join(root, 'docs/alerts.md'), 'utf8').replaceAll(/ {2,}/g, ' ')
const dashboards: Readonly<Record<string, readonly string[]>> = {
  'lagkeeper-fleet': ['kafka_cluster'],
  'lagkeeper-consumer': ['kafka_cluster', 'consumer', 'topic'],
  'lagkeeper-flink-jobs': ['flink_cluster', 'flink_job'],
  'lagkeeper-discovery': [],
  'lagkeeper-self': ['kafka_cluster'],
}

describe.each(alerts)('alert $alert', ({ alert, expr, labels, annotations, ...rule }) => {
  const severity = labels['severity']

  it('has a name of its own that begins with Lagkeeper', () => {
    expect(alert).toMatch(/^Lagkeeper([A-Z][a-z]+)+$/)
    expect(names.filter((name) => name === alert)).toHaveLength(1)
  })

  it('uses only metrics and labels that exist', () => {
    expect(unknownNames(expr)).toEqual([])
  })

  it('has a severity: its own, that of the objective, or one that a template chooses', () => {
    if (severity === undefined) expect(expr).toMatch(/stream_consumer_objective/)
    else if (severity.includes('$labels.severity')) expect(expr).toContain('stream_consumer_objective:severest')
    else if (severity.includes('{{')) expect(severity).toMatch(/\}\}info\{\{ else \}\}warning\{\{ end \}\}$/)
    else expect(severities).toContain(severity)
  })

  it('says the same summary for all its instances, and a description, in sentences', () => {
    expect(annotations.summary).toMatch(/^[A-Z][^{}]*\.$/)
    expect(annotations.description).toMatch(/\.$/)
  })

  it('has a runbook that says what it means, what it does, whether it is real, what to do, how to silence it', () => {
    const page = readFileSync(join(runbooks, `${alert}.md`), 'utf8')
    const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title)

    expect(annotations.runbook_url).toBe(`https://github.com/lagkeeper/lagkeeper/blob/main/docs/runbooks/${alert}.md`)
    expect(page.startsWith(`# ${alert}\n`)).toBe(true)
    expect(sections).toEqual(['Meaning', 'Impact', 'Diagnose', 'Mitigate', 'Silence'])
  })

  it('stands in the catalogue with its severity and its waiting time', () => {
    const row = catalogue.split('\n').find((line) => line.startsWith(`| [${alert}](runbooks/${alert}.md) |`))

    expect(row).toContain(`| ${shownSeverity(severity)} |`)
    expect(row).toContain(`| ${rule.for ?? '0'} |`)
  })

  it('links to a dashboard that is shipped, with variables that it has', () => {
    const url = new URL(annotations.dashboard_url.replaceAll(/\{\{.*?\}\}/g, ''))
    const [, uid = ''] = /^\/d\/([\w-]+)/.exec(url.pathname) ?? []
    const variables = [...annotations.dashboard_url.matchAll(/var-(\w+)=/g)].map(([, name = '']) => name)

    expect(Object.keys(dashboards)).toContain(uid)
    expect(variables.filter((name) => !dashboards[uid]?.includes(name))).toEqual([])
  })
})

describe.each(recordings)('record $record', ({ record, expr }) => {
  it('is named level:metric:operations', () => {
    expect(record).toMatch(/^(topic|consumer):stream_[a-z_]+:[a-z0-9_]+$/)
  })

  it('uses only metrics and labels that exist', () => {
    expect(unknownNames(expr)).toEqual([])
  })
})

it('keeps no runbook without an alert', () => {
  expect(readdirSync(runbooks).filter((file) => !names.includes(file.replace('.md', '')))).toEqual([])
})

function shownSeverity(severity: string | undefined): string {
  if (severity === undefined) return 'of the objective'
  if (severity.includes('$labels.severity')) return 'of the objective, else warning'
  return severity.includes('{{') ? 'warning or info' : severity
}
