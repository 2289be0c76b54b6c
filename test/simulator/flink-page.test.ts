import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { flinkPage } from '../../src/simulator/flink-page.ts'
import { sqlVertices } from '../../src/simulator/flink-plan.ts'
import { createFlinkWorld } from '../../src/simulator/flink-world.ts'
import { createKafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'

interface Family {
  readonly help: string
  readonly type: string
  /** Names of labels, sorted. */
  readonly labels: string
}

/** Families by name, of which one process has all samples with the same labels. */
function familiesOf(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>()
  const lines = text.split('\n')
  for (const [at, line] of lines.entries()) {
    const [, name, help = ''] = /^# HELP (\S+) (.*)$/.exec(line) ?? []
    if (name === undefined) continue
    const type = /^# TYPE \S+ (\S+)$/.exec(lines[at + 1] ?? '')?.[1] ?? ''
    const labels = [...(lines[at + 2] ?? '').matchAll(/([a-z_]+)="[^"]*",/g)].map(([, label]) => label).toSorted()
    families.set(name, { help, type, labels: labels.join() })
  }
  return families
}

function captured(version: string, file: string): ReadonlyMap<string, Family> {
  const url = new URL(`../fixtures/flink-pages/${version}/${file}.prom.gz`, import.meta.url)
  return familiesOf(gunzipSync(readFileSync(url)).toString())
}

function simulated(version: string, kind: 'jobmanager' | 'taskmanager'): string {
  const kafka = createKafkaState('4.3', [1], seededRandom(1))
  kafka.createTopic('orders', 2)
  for (let partition = 0; partition < 2; partition++) kafka.append('orders', partition, 20_000_000)
  const world = createFlinkWorld(kafka, { now: () => 1_800_000_000_000, random: seededRandom(2) })
  const vertices = sqlVertices({ table: 'orders', topics: ['orders'], sink: 'sums', groupBy: 'city', group: 'etl' })
  const { cluster } = world.submit({ name: 'etl', version, jobs: [{ name: 'etl', vertices, checkpointSeconds: 1 }] })
  cluster?.tick()
  const { process } = world.processes().find((one) => one.process.kind === kind)!
  return flinkPage(process, cluster!, world.now())
}

describe.each([
  ['1.20.5', 'taskmanager', '03-backpressure-75s/taskmanager-1-full'],
  ['1.20.5', 'jobmanager', '02-running/jobmanager'],
  ['2.2.1', 'taskmanager', '02-running/taskmanager-1-full'],
] as const)('The page of a simulated %s %s', (version, kind, file) => {
  it('has families of a real one, word for word, with the same labels', () => {
    const real = captured(version, file)
    const ours = familiesOf(simulated(version, kind))

    expect(ours.size).toBeGreaterThan(10)
    for (const [name, family] of ours) expect([name, real.get(name)]).toEqual([name, family])
  })

  it('writes numbers as Java does', () => {
    const values = simulated(version, kind)
      .split('\n')
      .filter((line) => !line.startsWith('#') && line !== '')
      .map((line) => line.split(' ').at(-1))

    for (const value of values) expect(value).toMatch(/^(-?\d{1,7}\.\d+|-?\d\.\d+E-?\d+|NaN)$/)
    if (kind === 'taskmanager') expect(values).toContain('2.0E7')
  })
})
