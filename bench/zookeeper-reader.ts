import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../src/runtime/clock.ts'
import { silentLogger } from '../src/runtime/logger.ts'
import { createZookeeper } from '../src/zookeeper/client.ts'
import { watchTree } from '../src/zookeeper/tree-watch.ts'
import { watchLoop } from './watch-loop.ts'
import { readWithPeer } from './zookeeper-peer.ts'

/** What one step took, and what it cost the process. */
export interface Step {
  readonly kind: 'step'
  readonly ms: number
  /** Of the event loop, as its clock saw it. */
  readonly longestBlockMs: number
  /** The same without the time in which the kernel gave the processor to others: what our own work is to blame for. */
  readonly longestOwnBlockMs: number
  /** How long this thread has stood in the kernel's queue for a processor: others were at work on this machine. */
  readonly queuedMs: number
  /** The most that the process has used so far. */
  readonly peakRssMb: number
  /** Members whose data is whole. */
  readonly members: number
}

/** A write was seen: its mark, and when, on the clock that all processes of a machine share. */
export interface Sighting {
  readonly kind: 'sighting'
  readonly mark: number
  readonly atMs: number
}

export type ReaderOrder = 'read' | 'resync' | 'follow' | 'stop'

export const MEMBER_BYTES = 400

/** Milliseconds on the monotonic clock of the machine. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** The process that is measured: it holds one reader and nothing else. Arguments: `ours` or `peer`, servers, root. */
async function main(kind: string, connect: string, root: string): Promise<void> {
  const reader = kind === 'ours' ? ourReader(connect, root) : peerReader(connect, root)
  let ending: (() => Step) | undefined
  process.on('message', (order: ReaderOrder) => {
    if (order === 'stop') process.exit(0)
    if (order === 'follow') {
      if (ending !== undefined) process.send?.(ending())
      ending = ending === undefined ? begin(reader.members) : undefined
      return
    }
    const end = begin(reader.members)
    void reader[order]().then(() => process.send?.(end()))
    if (order === 'resync') process.send?.({ kind: 'ready' })
  })
  process.send?.({ kind: 'ready' })
}

function begin(members: () => number): () => Step {
  const stopLooking = watchLoop()
  const from = performance.now()
  return () => {
    const ms = performance.now() - from
    const peakRssMb = process.resourceUsage().maxRSS / 1024
    return { kind: 'step', ms, ...stopLooking(), peakRssMb, members: members() }
  }
}

function ourReader(connect: string, root: string) {
  const zookeeper = createZookeeper(
    { connect, sessionTimeoutMs: 20_000, keepsSession: true },
    { clock: systemClock, logger: silentLogger },
  )
  const tree = watchTree(zookeeper, { root }, { clock: systemClock, logger: silentLogger })
  tree.onChange(({ view, changed }) => {
    for (const path of changed) see(view.nodes.get(path)?.data)
  })
  const whole = async (syncs: number): Promise<void> => {
    while (!(tree.isCurrent() && tree.counters().syncs >= syncs)) await sleep(2)
  }
  return {
    read: () => {
      void zookeeper.run(new AbortController().signal)
      void tree.run(new AbortController().signal)
      return whole(1)
    },
    resync: () => whole(tree.counters().syncs + 1),
    members: () => [...(tree.view()?.nodes.values() ?? [])].filter(({ data }) => data.length === MEMBER_BYTES).length,
  }
}

function peerReader(connect: string, root: string) {
  let nodes: ReadonlyMap<string, Buffer> = new Map()
  return {
    read: async () => {
      nodes = await readWithPeer(connect, root, (_, data) => see(data))
    },
    resync: () => Promise.reject(new Error('More watches than node-zookeeper-client can set again')),
    members: () => [...nodes.values()].filter(({ length }) => length === MEMBER_BYTES).length,
  }
}

function see(data: Buffer | undefined): void {
  const mark = Number(/^(\d+)\./.exec(data?.toString('latin1', 0, 16) ?? '')?.[1])
  if (!Number.isNaN(mark)) process.send?.({ kind: 'sighting', mark, atMs: machineMs() })
}

const [, , kind, connect, root] = process.argv
if (process.send !== undefined && kind !== undefined && connect !== undefined && root !== undefined)
  await main(kind, connect, root)
