import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import {
  createZookeeper,
  type Zookeeper,
  type ZookeeperDeps,
  type ZookeeperOptions,
} from '../../src/zookeeper/client.ts'
import type { StateChange } from '../../src/zookeeper/state.ts'
import { startTcpProxy, type TcpProxy } from '../fakes/tcp-proxy.ts'

/** What a line of servers can do. */
export type ZookeeperLine = '3.4' | '3.5' | '3.9'

/** A server that the contract is checked against. */
export interface ZookeeperUnderTest extends AsyncDisposable {
  readonly port: number
}

export interface RunningClient extends AsyncDisposable {
  readonly zookeeper: Zookeeper
  readonly changes: readonly StateChange[]
  /** The names of the states so far. */
  states(): readonly string[]
  stop(): Promise<void>
}

/** A client that runs until it is disposed of. */
export function runClient(options: ZookeeperOptions, deps: Partial<ZookeeperDeps> = {}): RunningClient {
  const zookeeper = createZookeeper(options, { clock: systemClock, logger: silentLogger, ...deps })
  const changes: StateChange[] = []
  zookeeper.onState((change) => changes.push(change))
  const stopping = new AbortController()
  const done = zookeeper.run(stopping.signal)
  const stop = async (): Promise<void> => {
    stopping.abort()
    await done
  }
  return { zookeeper, changes, states: () => changes.map(({ state }) => state), stop, [Symbol.asyncDispose]: stop }
}

/** Waits until it is true, at most `ms`. */
export async function until(what: string, isTrue: () => boolean, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`Waited ${ms} ms in vain: ${what}`)
    await sleep(5)
  }
}

export interface ZookeeperWorld {
  readonly line: ZookeeperLine
  readonly connect: () => string
  /** A client connected through nothing. */
  client(options?: Partial<ZookeeperOptions>): RunningClient
  /** A client behind a proxy of its own. */
  behindProxy(options?: Partial<ZookeeperOptions>): Promise<RunningClient & { readonly proxy: TcpProxy }>
  /** A path that no other test uses, without a znode. */
  place(): string
}

let places = 0

export function createWorld(line: ZookeeperLine, server: () => ZookeeperUnderTest): ZookeeperWorld {
  const common = { sessionTimeoutMs: 6_000 }
  const connect = (): string => `127.0.0.1:${server().port}`
  return {
    line,
    connect,
    client: (options = {}) => runClient({ connect: connect(), ...common, ...options }),
    behindProxy: async (options = {}) => {
      const proxy = await startTcpProxy(server().port)
      const client = runClient({ connect: `127.0.0.1:${proxy.port}`, ...common, ...options })
      const stop = async (): Promise<void> => {
        await client.stop()
        await proxy.stop()
      }
      return { ...client, proxy, stop, [Symbol.asyncDispose]: stop }
    },
    place: () => `/contract-${++places}`,
  }
}
