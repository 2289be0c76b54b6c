import type { PlanNode } from '../model/job.ts'
import { evidenceLines, inList, shortened } from './evidence-lines.ts'
import type { Judge } from './judgement.ts'

/** The plan falls into parts that have nothing to do with each other, as several INSERTs in one statement set do. */
export const disconnectedParts: Judge = ({ job }) => {
  if (job.plan.length === 0) return 'unknown'
  const parts = componentsOf(job.plan)
  if (parts.length < 2) return 'fine'
  return {
    kind: 'disconnected_parts',
    message: `The job is ${parts.length} jobs in one: parts without any connection share checkpoints, so the slowest part holds up those of all, and all stop together`,
    evidence: evidenceLines(parts.map((nodes, index) => `part ${index + 1}: ${inList(nodes.map(firstLine))}`)),
  }
}

/** The nodes that hang together, whichever way the data goes, in the order of their first node. */
export function componentsOf(plan: readonly PlanNode[]): readonly (readonly PlanNode[])[] {
  const parent = plan.map((_, index) => index)
  function root(index: number): number {
    let at = index
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!
      at = parent[at]!
    }
    return at
  }
  const indexes = new Map(plan.map(({ id }, index) => [id, index]))
  for (const [index, { inputs }] of plan.entries()) {
    for (const input of inputs) {
      const from = indexes.get(input)
      if (from !== undefined) parent[root(from)] = root(index)
    }
  }
  const parts = new Map<number, PlanNode[]>()
  for (const [index, node] of plan.entries()) {
    const part = parts.get(root(index))
    if (part === undefined) parts.set(root(index), [node])
    else part.push(node)
  }
  return [...parts.values()]
}

function firstLine({ description, id }: PlanNode): string {
  return shortened(description.split('\n', 1)[0]!.slice(0, 120)) || id
}
