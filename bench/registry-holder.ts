import { setTimeout as sleep } from 'node:timers/promises'
import { createZookeeperRegistry } from '../src/registry/zookeeper.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { silentLogger } from '../src/runtime/logger.ts'
import { registration } from '../test/targets/samples.ts'
import { watchLoop } from './watch-loop.ts'

/** What one step took, and what it cost the process. */
export interface HolderStep {
  readonly ms: number
  /** Until all members are known to be in sessions of ours. */
  readonly settledMs: number
  /** Without the time in which the kernel gave the processor to others. */
  readonly longestBlockMs: number
  readonly peakRssMb: number
  readonly listed: number
  readonly members: number
  readonly sessions: number
  readonly expiries: number
}

/** What one request of a registrant's gateway carries. */
const BATCH = 5_000

/**
 * The process that is measured: one registry and nothing else. Arguments: `put` or `resume`, servers, storage folder,
 * how many. It puts them, or finds them after a restart, says what that cost, and waits to be killed.
 */
async function main(order: string, connect: string, storagePath: string, count: number): Promise<void> {
  const registry = createZookeeperRegistry(
    { connect, storagePath, sessionTimeoutMs: 20_000, holder: 'bench' },
    { clock: systemClock, logger: silentLogger },
  )
  const many = order === 'put' ? await registrants(count) : []
  let stopLooking = watchLoop()
  let from = performance.now()
  void registry.run(new AbortController().signal)
  while (registry.view() === undefined) await sleep(1)
  if (order === 'put') {
    stopLooking()
    stopLooking = watchLoop()
    from = performance.now()
    for (let at = 0; at < many.length; at += BATCH) {
      const some = many.slice(at, at + BATCH)
      for (let isDone = false; !isDone; )
        isDone = await registry.put(some, AbortSignal.timeout(60_000)).then(
          () => true,
          () => false,
        )
    }
  }
  const ms = performance.now() - from
  while ((registry.shards()?.members ?? 0) < count && performance.now() - from < 120_000) await sleep(5)
  const { members = 0, sessions = 0, expiries = 0 } = registry.shards() ?? {}
  const step: HolderStep = {
    ms,
    settledMs: performance.now() - from,
    longestBlockMs: stopLooking().longestOwnBlockMs,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
    listed: registry.view()?.targets.length ?? 0,
    members,
    sessions,
    expiries,
  }
  process.send?.(step)
}

async function registrants(count: number) {
  return Array.from({ length: count }, (_, index) =>
    registration({
      namespace: 'bench',
      app: `application_${String(index % 200).padStart(4, '0')}`,
      instance: `container_${String(index).padStart(12, '0')}`,
      address: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}:9249`,
      labels: { cluster: 'prod', team: 'payments' },
      leaseSeconds: 600,
    }),
  )
}

const [, , order, connect, storagePath, count] = process.argv
if (process.send !== undefined && order !== undefined && connect !== undefined && storagePath !== undefined)
  await main(order, connect, storagePath, Number(count))
