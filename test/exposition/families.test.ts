import { describe, expect, it } from 'vitest'
import { type Family, jobFamilies, lagFamilies, selfFamilies } from '../../src/exposition/families.ts'
import { metricsReference, writtenReference } from './metrics-reference.ts'

const families: readonly Family[] = [lagFamilies, jobFamilies, selfFamilies].flatMap((table) => Object.values(table))

describe('the table of families', () => {
  it('has every name once', () => {
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length)
  })

  it.each(families.map((family) => [family.name, family] as const))('%s keeps the rules of names', (name, family) => {
    expect(name).toMatch(/^(stream|kafka|lagkeeper)_[a-z]+(_[a-z]+)*$/)
    expect(name.endsWith('_total')).toBe(family.type === 'counter')
    expect(family.help).toMatch(/^[^\n\\]{20,250}\.$/)
    for (const label of family.labels) expect(label).toMatch(/^[a-z]+(_[a-z]+)*$/)
  })

  it('uses no label that Prometheus or Kubernetes sets itself', () => {
    const taken = ['job', 'instance', 'cluster', 'pod', 'namespace', 'le', 'quantile']

    expect(families.flatMap(({ labels }) => labels).filter((label) => taken.includes(label))).toEqual([])
  })
})

it('docs/metrics.md is what the table says (else run `npx tsx test/exposition/metrics-reference.ts --write`)', () => {
  expect(writtenReference()).toBe(metricsReference())
})
