import { expect, it } from 'vitest'
import type { FieldProblem } from '../../src/targets/field-problem.ts'
import { isInSlice, parseSlice, sliceKey } from '../../src/targets/slice.ts'
import { registrations, target } from './samples.ts'

function parse(query: string) {
  const problems: FieldProblem[] = []
  return { slice: parseSlice(new URLSearchParams(query), problems), problems }
}

it('reads every word', () => {
  const { slice, problems } = parse('namespace=payments&kind=flink-tm&flink_cluster=prod&shard=1&of=3')

  expect(problems).toEqual([])
  expect(slice).toEqual({
    namespace: 'payments',
    kind: 'flink-tm',
    flinkCluster: 'prod',
    shard: { index: 1, of: 3 },
  })
  expect(sliceKey(parse('').slice)).toBe('')
})

it.each([
  'namespce=payments',
  'namespace=',
  'namespace=a&namespace=b',
  'shard=0',
  'of=3',
  'shard=3&of=3',
  'shard=-1&of=3',
  'shard=0&of=0',
  'shard=x&of=3',
  'shard=0&of=1001',
  'shard=1.5&of=3',
])('refuses %s instead of answering with another list', (query) => {
  expect(parse(query).problems.length).toBeGreaterThan(0)
})

it('cuts a list into shards that are disjoint, complete and of like size', () => {
  const targets = registrations(3_000).map((registration) => target(registration))

  const sizes = [0, 1, 2].map((index) => targets.filter((one) => isInSlice(one, { shard: { index, of: 3 } })).length)

  expect(sizes.reduce((a, b) => a + b)).toBe(3_000)
  expect(Math.min(...sizes)).toBeGreaterThan(900)
})

it('selects by namespace, kind and Flink cluster', () => {
  const one = target({ facts: { kind: 'flink-tm', flinkCluster: 'prod' } })

  expect(isInSlice(one, { namespace: 'payments', kind: 'flink-tm', flinkCluster: 'prod' })).toBe(true)
  expect(isInSlice(one, { namespace: 'fraud' })).toBe(false)
  expect(isInSlice(one, { kind: 'flink-jm' })).toBe(false)
  expect(isInSlice(target(), { flinkCluster: 'prod' })).toBe(false)
})
