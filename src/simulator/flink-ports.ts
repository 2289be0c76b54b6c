import { createFiller } from './flink-filler.ts'
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

export interface FlinkPortsOptions {
  /** How many ports the reporters of a host have between them; 32 by default. */
  readonly reporterPorts?: number
  /** About as large is the page of a TaskManager made; without it, it has nothing but what is read here. */
  readonly pageBytes?: number
}

export async function createFlinkPorts(world: FlinkWorld, options: FlinkPortsOptions): Promise<FlinkPorts> {
  const { reporterPorts: count = 32, pageBytes } = options
  const reporterPorts = await freePorts(count)
  const filler = pageBytes === undefined ? undefined : createFiller(pageBytes)
  const reporters = new Map<FlinkProcess, LoopbackServer>()
  const rests = new Map<FlinkProcess, LoopbackServer>()
  /** Found no port when they started; they do not try again. */
  const portless = new WeakSet<FlinkProcess>()

  const page =
    ({ process, cluster }: LivingProcess): Answerer =>
    (target) => {
      if (process.isFrozen) return undefined
      const names = new URL(target, 'http://reporter').searchParams.getAll('name[]')
      const text = flinkPage(process, cluster, world.now(), names)
      const isFilled = filler !== undefined && names.length === 0 && process.kind === 'taskmanager'
      const body = isFilled ? Buffer.concat([Buffer.from(text), filler(process.id)]) : text
      return { status: 200, contentType: 'text/plain; version=0.0.4; charset=utf-8', body, isPackable: true }
    }

  const rest = ({ cluster, process }: LivingProcess): Answerer => {
    const context = { cluster, now: world.now, reporterPorts: reporterPorts.join(',') }
    return (target) => (process.isFrozen ? undefined : flinkRestAnswer(context, target))
  }

  /** Ports of reporters go to successors, and nobody else can have them in between. */
  async function release(living: readonly LivingProcess[]): Promise<void> {
    const alive = new Set(living.map(({ process }) => process))
    const closing: LoopbackServer[] = []
    for (const [process, server] of reporters) {
      if (alive.has(process)) continue
      reporters.delete(process)
      const heir = living.find((one) => one.process.reporterPort === server.port && one.process.host === process.host)
      if (heir === undefined) closing.push(server)
      else {
        server.handOver(page(heir))
        reporters.set(heir.process, server)
      }
    }
    for (const [process, server] of rests) {
      if (alive.has(process)) continue
      rests.delete(process)
      closing.push(server)
    }
    await Promise.all(closing.map((server) => server.close()))
  }

  async function openReporter(one: LivingProcess): Promise<void> {
    const { process } = one
    if (!process.hasReporter || portless.has(process) || reporters.has(process)) return
    const own = process.reporterPort === undefined ? [] : [process.reporterPort]
    const server = await openServer(process.host, [...own, ...reporterPorts], page(one))
    if (server === undefined) {
      portless.add(process)
      delete process.reporterPort
      return
    }
    process.reporterPort = server.port
    reporters.set(process, server)
  }

  async function openRest(one: LivingProcess): Promise<void> {
    const { process } = one
    if (process.kind !== 'jobmanager' || rests.has(process)) return
    const own = process.restPort === undefined ? [] : [process.restPort]
    const server = await openServer(process.host, [...own, 0], rest(one))
    if (server === undefined) return
    process.restPort = server.port
    rests.set(process, server)
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
      const all = [...reporters.values(), ...rests.values()]
      reporters.clear()
      rests.clear()
      await Promise.all(all.map((server) => server.close()))
    },
  }
}
