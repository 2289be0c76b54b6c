import { sqlVertices } from './flink-plan.ts'
import { createFlinkWorld } from './flink-world.ts'
import type { KafkaState } from './kafka-state.ts'
import { seededRandom } from './random.ts'
import { createSimulatedYarn, type SimulatedYarn } from './simulated-yarn.ts'

export interface FlinkLoadShape {
  readonly applications: number
  /** Of each application, with two slots each. */
  readonly taskManagers: number
  /** Of each page of a TaskManager; Flink's have 650 kB. */
  readonly pageBytes: number
}

/** Processes that share a host, and its range of ports for reporters. */
const PER_HOST = 10

/**
 * A YARN with so many TaskManagers, on hosts 127.0.1.1 and so on (which only Linux has without being told). Each application
 * has one job, which reads a topic of the cluster, one after the other.
 */
export async function bigYarn(kafka: KafkaState, shape: FlinkLoadShape): Promise<SimulatedYarn> {
  const topics = [...kafka.topics.keys()]
  const processes = shape.applications * (shape.taskManagers + 1)
  const world = createFlinkWorld(kafka, {
    now: Date.now,
    random: seededRandom(7),
    hosts: Math.ceil(processes / PER_HOST),
  })
  for (let index = 0; index < shape.applications; index++) {
    const name = `job-${String(index).padStart(5, '0')}`
    const topic = topics[index % topics.length] ?? ''
    const vertices = sqlVertices({
      table: 'records',
      topics: [topic],
      sink: 'sums',
      groupBy: 'id',
      group: name,
      parallelism: 2 * shape.taskManagers,
      startsBehind: 1_000,
    })
    world.submit({ name, version: '1.20.5', slots: 2, jobs: [{ name, vertices, checkpointSeconds: 30 }] })
  }
  const yarn = await createSimulatedYarn(world, { reporterPorts: PER_HOST + 2, pageBytes: shape.pageBytes })
  // The ApplicationMasters have their ports now, and register.
  await yarn.tick()
  return yarn
}
