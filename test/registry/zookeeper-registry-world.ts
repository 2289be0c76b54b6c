import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { registries } from '../../src/registry/index.ts'
import type {
  ZookeeperRegistry,
  ZookeeperRegistryDeps,
  ZookeeperRegistryOptions,
} from '../../src/registry/zookeeper.ts'
import { type Clock, systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { contractLingerSeconds, type RegistryWorld } from '../contract/registry.ts'

/** One replica that runs. */
export interface RunningReplica extends AsyncDisposable {
  readonly registry: ZookeeperRegistry
  stop(): Promise<void>
}

export function runReplica(
  options: Pick<ZookeeperRegistryOptions, 'connect' | 'storagePath'> & Partial<ZookeeperRegistryOptions>,
  clock: Clock = systemClock,
  deps: Partial<ZookeeperRegistryDeps> = {},
): RunningReplica {
  const stopping = new AbortController()
  const registry = registries.zookeeper(
    { lingerSeconds: contractLingerSeconds, ...options },
    { clock, logger: silentLogger, ...deps },
  )
  const done = registry.run(stopping.signal)
  const stop = async (): Promise<void> => {
    stopping.abort()
    await done
  }
  return { registry, stop, [Symbol.asyncDispose]: stop }
}

export async function untilReady({ registry }: RunningReplica): Promise<void> {
  while (registry.view() === undefined) await sleep(2)
}

/** A clock on which everything lasts a part of what it says, so that leases end in a moment. */
export function fastClock(factor: number): Clock {
  return {
    monotonic: () => systemClock.monotonic() * factor,
    wall: systemClock.wall,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  }
}

let places = 0

/** A world for the contract: one replica under a chroot of its own. `speed` divides all waiting. */
export async function openReplicaWorld(
  servers: string,
  speed: number,
  sessionTimeoutMs: number,
): Promise<RegistryWorld> {
  const storagePath = await mkdtemp(join(tmpdir(), 'lagkeeper-replica-'))
  const connect = `${servers}/contract-${process.pid}-${++places}`
  const clock = fastClock(speed)
  const start = (): RunningReplica => runReplica({ connect, storagePath, sessionTimeoutMs }, clock)
  let running = start()
  await untilReady(running)
  return {
    registry: () => running.registry,
    pass: async (ms) => void (await sleep(ms / speed)),
    stop: () => running.stop(),
    crash: async () => {
      // The session is left alone at the end of a run, as by a crash.
      await running.stop()
      running = start()
      await untilReady(running)
    },
    [Symbol.asyncDispose]: async () => {
      await running.stop()
      await rm(storagePath, { recursive: true })
    },
  }
}
