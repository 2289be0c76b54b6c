import { flinkPage } from './flink-page.ts'
import type { FlinkProcess } from './flink-process.ts'
import { flinkRestAnswer } from './flink-rest-answers.ts'
import type { FlinkWorld, LivingProcess } from './flink-world.ts'
import { type Answerer, freePorts, type LoopbackServer, openServer } from './loopback-server.ts'

/** The listeners of all processes of a world: a reporter each, and REST where there is a JobManager. */
export interface FlinkPorts {
  /** Ports that a reporter may take, in the order in which it tries them. */
  readonly reporterPorts: readonly number[]
  /** Makes the listeners those of the processes that live now. A replacement has the port of its forerunner by then. */
  settle(): Promise<void>
  /** Answers as the REST of a JobManager, whoever asks. */
  rest(process: LivingProcess): Answerer
  close(): Promise<void>
}

interface Listener {
  readonly server: LoopbackServer
  owner: FlinkProcess
  readonly use: 'reporter' | 'rest'
}

/** @param reporters ports to be had by reporters, of all processes together */
export async function createFlinkPorts(world: FlinkWorld, reporters: number): Promise<FlinkPorts> {
  const reporterPorts = await freePorts(reporters)
  const listeners = new Set<Listener>()
  /** Found no port when they started; they do not try again. */
  const portless = new WeakSet<FlinkProcess>()

  const page =
    ({ process, cluster }: LivingProcess): Answerer =>
    (target) => ({
      status: 200,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      body: flinkPage(process, cluster, world.now(), new URL(target, 'http://reporter').searchParams.getAll('name[]')),
      isPackable: true,
    })

  const rest = ({ cluster }: LivingProcess): Answerer => {
    const context = { cluster, now: world.now, reporterPorts: reporterPorts.join(',') }
    return (target) => flinkRestAnswer(context, target)
  }

  function listenerOf(process: FlinkProcess, use: Listener['use']): Listener | undefined {
    return [...listeners].find((one) => one.owner === process && one.use === use)
  }

  /** Ports go to successors first, so that nobody else gets them in between. */
  async function release(living: readonly LivingProcess[]): Promise<void> {
    const alive = new Set(living.map(({ process }) => process))
    const over = [...listeners].filter(({ owner }) => !alive.has(owner))
    await Promise.all(
      over.map(async (listener) => {
        const { server, use } = listener
        const heir = living.find(({ process }) => use === 'reporter' && process.reporterPort === server.port)
        if (heir !== undefined) {
          listener.owner = heir.process
          server.handOver(page(heir))
          return
        }
        listeners.delete(listener)
        await server.close()
      }),
    )
  }

  async function openReporter(one: LivingProcess): Promise<void> {
    const { process } = one
    if (!process.hasReporter || portless.has(process) || listenerOf(process, 'reporter') !== undefined) return
    const own = process.reporterPort === undefined ? [] : [process.reporterPort]
    const server = await openServer([...own, ...reporterPorts], page(one))
    if (server === undefined) {
      portless.add(process)
      delete process.reporterPort
      return
    }
    process.reporterPort = server.port
    listeners.add({ server, owner: process, use: 'reporter' })
  }

  async function openRest(one: LivingProcess): Promise<void> {
    const { process } = one
    if (process.kind !== 'jobmanager' || listenerOf(process, 'rest') !== undefined) return
    const own = process.restPort === undefined ? [] : [process.restPort]
    const server = await openServer([...own, 0], rest(one))
    if (server === undefined) return
    process.restPort = server.port
    listeners.add({ server, owner: process, use: 'rest' })
  }

  return {
    reporterPorts,
    rest,
    async settle() {
      const living = world.processes()
      await release(living)
      // One after the other, as ports are taken in the order of the range.
      for (const one of living) {
        await openReporter(one)
        await openRest(one)
      }
    },
    async close() {
      await Promise.all(Array.from(listeners, ({ server }) => server.close()))
      listeners.clear()
    },
  }
}
