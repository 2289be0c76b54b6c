import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { componentsOf, disconnectedParts } from '../../src/jobs/disconnected-parts.ts'
import type { PlanNode } from '../../src/model/job.ts'
import { fakeFacts, fakeJob } from './fakes.ts'

function node(id: string, ...inputs: readonly string[]): PlanNode {
  return { id, description: `node ${id}`, parallelism: 1, inputs }
}

const plans = fc
  .array(fc.array(fc.nat(30), { maxLength: 3 }), { maxLength: 25 })
  .map((inputs) => inputs.map((from, index) => node(`n${index}`, ...from.map((to) => `n${to}`))))

/** The ids that hang together with the first, found by walking. */
function walk(plan: readonly PlanNode[], start: string): ReadonlySet<string> {
  const seen = new Set([start])
  for (let grew = true; grew; ) {
    grew = false
    for (const { id, inputs } of plan)
      for (const input of inputs) {
        if (!plan.some((other) => other.id === input) || seen.has(id) === seen.has(input)) continue
        seen.add(id).add(input)
        grew = true
      }
  }
  return seen
}

describe('componentsOf()', () => {
  it('has every node once, and in one part exactly what hangs together', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const parts = componentsOf(plan)

        expect(
          parts
            .flat()
            .map(({ id }) => id)
            .sort(),
        ).toEqual(plan.map(({ id }) => id).sort())
        for (const part of parts) expect(new Set(part.map(({ id }) => id))).toEqual(walk(plan, part[0]!.id))
      }),
    )
  })

  it('does not depend on the order of the nodes', () => {
    fc.assert(
      fc.property(plans, fc.infiniteStream(fc.nat()), (plan, order) => {
        const shuffled = plan.map((one) => ({ one, key: order.next().value ?? 0 })).toSorted((a, b) => a.key - b.key)
        const sets = (nodes: readonly PlanNode[]) =>
          componentsOf(nodes)
            .map((part) =>
              part
                .map(({ id }) => id)
                .sort()
                .join(),
            )
            .sort()

        expect(sets(shuffled.map(({ one }) => one))).toEqual(sets(plan))
      }),
    )
  })

  it('takes a plan of 20,000 nodes in a row without a deep stack', () => {
    const plan = Array.from({ length: 20_000 }, (_, index) => node(`${index}`, `${index + 1}`))

    expect(componentsOf(plan)).toHaveLength(1)
  })
})

describe('disconnected_parts', () => {
  const judge = (...plan: readonly PlanNode[]) => disconnectedParts(fakeFacts({ job: fakeJob({ plan }) }))

  it('is not told of one part, nor without a plan', () => {
    expect(judge(node('a'), node('b', 'a'))).toBe('fine')
    expect(judge()).toBe('unknown')
  })

  it('names the parts', () => {
    expect(judge(node('a'), node('b', 'a'), node('c'))).toMatchObject({
      kind: 'disconnected_parts',
      evidence: ['part 1: node a and node b', 'part 2: node c'],
    })
  })

  it('has no more lines than somebody reads', () => {
    const many = judge(...Array.from({ length: 500 }, (_, index) => node(`${index}`)))

    expect(many).toMatchObject({ evidence: expect.arrayContaining(['and 480 more']) })
  })
})
