import type { Clock } from '../runtime/clock.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { within } from '../runtime/within.ts'
import type { AddressGuard } from '../targets/address-guard.ts'
import type { YarnContainer, YarnNode } from '../yarn/application.ts'
import type { YarnCluster } from '../yarn/yarn-cluster.ts'
import { createLane } from './lane.ts'
import { placeOfAddress } from './rest-places.ts'
import type { Resolve } from './search-hosts.ts'
import type { Opinion, SecondOpinion } from './second-opinion.ts'

export interface YarnNodesDeps {
  readonly cluster: Pick<YarnCluster, 'name' | 'nodes' | 'containers'>
  readonly resolve: Resolve
  readonly guard: AddressGuard
  readonly clock: Clock
}

export interface YarnNodesOptions {
  /** As of the discoverer. */
  readonly isLocal: boolean
  /** NodeManagers speak HTTPS as the ResourceManagers do: their certificates are for their names. */
  readonly speaksTls: boolean
}

const nodesMs = 60_000
/** A node that is not in the list may have joined since. */
const newNodesMs = 10_000
/** All who ask within this time share one answer. */
const containersMs = 3_000
/** A NodeManager that did not answer is left in peace. */
const failedMs = 30_000
const askMs = 5_000
const mostAtOnce = 4
const mostKept = 1_000

/** States in which the process of a container is over, in the words of NodeManagers. */
const over = /^(DONE|EXITED_.*|CONTAINER_.*CLEAN.*)$/

/** What runs on a node, as far as its answer could be read. */
interface Containers {
  readonly all: readonly YarnContainer[]
  readonly isWhole: boolean
}

interface Kept<T> {
  readonly at: number
  readonly answer: Promise<T | { readonly why: string }>
}

/**
 * Asks the NodeManager of a host whether a container runs. One that its node does not list is over: nodes forget
 * containers soon after their end, and have those of before when they are started again. Nobody may see only some of the
 * containers of an application.
 */
export function createYarnNodes(
  { isLocal, speaksTls }: YarnNodesOptions,
  deps: YarnNodesDeps,
  lifetime: AbortSignal,
): SecondOpinion {
  const { cluster, clock } = deps
  const lane = createLane(mostAtOnce)
  const containers = new Map<string, Kept<Containers>>()
  let nodes: Kept<ReadonlyMap<string, readonly YarnNode[]>> | undefined

  async function ask<T>(
    what: string,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | { readonly why: string }> {
    try {
      return await lane(lifetime, () => within(what, askMs, clock, lifetime, work))
    } catch (error) {
      return { why: describeError(error) }
    }
  }

  async function nodesOf(host: string): Promise<readonly YarnNode[] | { readonly why: string }> {
    const name = host.toLowerCase()
    const known = nodes === undefined ? undefined : await nodes.answer
    const isKnown = known !== undefined && !('why' in known) && known.has(name)
    if (nodes === undefined || clock.monotonic() - nodes.at >= (isKnown ? nodesMs : newNodesMs))
      nodes = {
        at: clock.monotonic(),
        answer: ask(`List the nodes of YARN "${cluster.name}"`, async (signal) => byHost(await cluster.nodes(signal))),
      }
    const all = await nodes.answer
    if ('why' in all) return all
    return all.get(name) ?? { why: `YARN "${cluster.name}" has no node on host "${host}"` }
  }

  function containersOn(node: YarnNode): Kept<Containers>['answer'] {
    const before = containers.get(node.id)
    if (before !== undefined && clock.monotonic() - before.at < failedMs) return freshOr(before, node)
    return begin(node)
  }

  async function freshOr(before: Kept<Containers>, node: YarnNode) {
    const answer = await before.answer
    if ('why' in answer || clock.monotonic() - before.at < containersMs) return answer
    const now = containers.get(node.id)
    return now === undefined || now === before ? begin(node) : now.answer
  }

  function begin(node: YarnNode): Kept<Containers>['answer'] {
    if (containers.size >= mostKept) containers.clear()
    const answer = ask(`Ask node "${node.id}" of YARN "${cluster.name}"`, async (signal): Promise<Containers> => {
      const place = await placeOfAddress(node.httpAddress, isLocal, deps, signal)
      if ('why' in place) throw new UnavailableError(place.why)
      // A name could be another one by the time it is connected to.
      const asked = speaksTls ? node : { ...node, httpAddress: new URL(place.url).host }
      let isWhole = true
      const all = await cluster.containers(asked, signal, () => {
        isWhole = false
      })
      return { all, isWhole }
    })
    containers.set(node.id, { at: clock.monotonic(), answer })
    return answer
  }

  return async (container, host, signal) => {
    const found = await nodesOf(host)
    if ('why' in found) return { kind: 'unknown', why: found.why }
    const answers = await Promise.all(found.map(async (node) => opinionOf(container, node, await containersOn(node))))
    signal.throwIfAborted()
    const [first = { kind: 'unknown', why: 'there is no node' }] = [
      ...answers.filter(({ kind }) => kind === 'running'),
      ...answers.filter(({ kind }) => kind === 'unknown'),
      ...answers,
    ]
    return first
  }
}

function opinionOf(id: string, node: YarnNode, answer: Containers | { readonly why: string }): Opinion {
  if ('why' in answer) return { kind: 'unknown', why: answer.why }
  const container = answer.all.find((one) => one.id === id)
  if (container === undefined && !answer.isWhole)
    return { kind: 'unknown', why: `node "${node.id}" has containers that cannot be read` }
  if (container === undefined) return { kind: 'ended', why: `node "${node.id}" does not run container ${id} any more` }
  return over.test(container.state)
    ? { kind: 'ended', why: `container ${id} has ended: node "${node.id}" says ${container.state}` }
    : { kind: 'running' }
}

/** A host may have several, under the name that they gave themselves and that of their web server. */
function byHost(all: readonly YarnNode[]): ReadonlyMap<string, readonly YarnNode[]> {
  const nodes = new Map<string, YarnNode[]>()
  for (const node of all) {
    const web = URL.canParse(`http://${node.httpAddress}`) ? new URL(`http://${node.httpAddress}`).hostname : ''
    for (const name of new Set([node.host.toLowerCase(), web.replace(/^\[(.*)\]$/, '$1')])) {
      const some = nodes.get(name)
      if (some === undefined) nodes.set(name, [node])
      else some.push(node)
    }
  }
  return nodes
}
