import { createFlinkPorts, type FlinkPorts, type FlinkPortsOptions } from './flink-ports.ts'
import type { FlinkWorld } from './flink-world.ts'
import { type Answerer, type LoopbackServer, openServer } from './loopback-server.ts'
import { type ResourceManagerContext, resourceManagerAnswer } from './yarn-answers.ts'
import type { YarnApplication } from './yarn-applications.ts'
import { nodeManagerAnswer } from './yarn-node-answers.ts'

/**
 * A Flink world with everything that can be asked of it over HTTP: two ResourceManagers, a NodeManager, and REST and
 * reporters of all processes, on loopback.
 */
export interface SimulatedYarn extends AsyncDisposable {
  readonly world: FlinkWorld
  /** Of each ResourceManager, such as `http://127.0.0.1:8088`. */
  readonly resourceManagers: readonly string[]
  /** Ports that reporters may take. */
  readonly reporterPorts: readonly number[]
  /** Opens and closes ports as processes have come and gone; to be awaited after every change of the world. */
  settle(): Promise<void>
  /** Lets a second pass. */
  tick(): Promise<void>
  /** The first is active at the beginning; undefined: none is. */
  makeActive(index: number | undefined): void
  /** It takes connections and answers nothing, as after SIGSTOP. */
  freeze(index: number): void
  thaw(index: number): void
  close(): Promise<void>
}

const members = 2

export async function createSimulatedYarn(world: FlinkWorld, options: FlinkPortsOptions = {}): Promise<SimulatedYarn> {
  const ports: FlinkPorts = await createFlinkPorts(world, options)
  const frozen = new Set<number>()
  const servers: (LoopbackServer | undefined)[] = []
  /** Of the two ResourceManagers and the NodeManager, the same at every opening. */
  const own: number[] = Array.from({ length: members + 1 }, () => 0)
  let active: number | undefined = 0

  const addressOf = (index: number): string => `127.0.0.1:${own[index] ?? 0}`

  function proxied({ id }: YarnApplication): Answerer | undefined {
    const running = world.applications.find(({ application }) => application.id === id)
    const process = world
      .processes()
      .find((one) => one.cluster === running?.cluster && one.process.kind === 'jobmanager')
    return process && ports.rest(process)
  }

  function contextOf(index: number): ResourceManagerContext {
    return {
      yarn: world.yarn,
      now: world.now,
      isActive: index === active,
      activeAddress: active === undefined ? undefined : addressOf(active),
      nodeAddress: addressOf(members),
      proxied,
    }
  }

  const answer = (index: number) => (target: string) => {
    if (index === members) return nodeManagerAnswer(contextOf(index), target)
    return frozen.has(index) ? undefined : resourceManagerAnswer(contextOf(index), target)
  }

  async function settle(): Promise<void> {
    for (const [index, port] of own.entries()) {
      if (servers[index] !== undefined) continue
      const server = await openServer('127.0.0.1', [port, 0], answer(index))
      servers[index] = server
      own[index] = server?.port ?? port
    }
    await ports.settle()
  }

  async function close(): Promise<void> {
    await Promise.all([ports.close(), ...servers.splice(0).map((server) => server?.close())])
  }

  await settle()
  return {
    world,
    resourceManagers: [0, 1].map((index) => `http://${addressOf(index)}`),
    reporterPorts: ports.reporterPorts,
    settle,
    async tick() {
      world.tick()
      await settle()
    },
    makeActive: (index) => {
      active = index
    },
    freeze: (index) => void frozen.add(index),
    thaw: (index) => void frozen.delete(index),
    close,
    [Symbol.asyncDispose]: close,
  }
}
