import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FlinkSimulatedWorld, oneJob, openFlinkSimulatedWorld } from './flink-simulated-world.ts'
import type { HostileGate } from './hostile-gate.ts'
import { pageVariants } from './hostile-pages.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually } from './waiting.ts'

let world: FlinkSimulatedWorld

beforeAll(async () => {
  const count = pageVariants.length
  world = await openFlinkSimulatedWorld({
    topics: { wide: count },
    victim: [oneJob('wide-etl', 'wide', count), oneJob('orders-copy', 'orders', 1)],
    victimPorts: count + 6,
  })
  await world.isRight('healthy')
  await world.isRight('victim', 60_000)
})

afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
  await removeTemporaryFolders()
})

/** The TaskManagers of the wide job, each with the only partition that it reads. */
function readers() {
  const { job } = world.yarns.victim.world.find('wide-etl')
  return job.vertices.flatMap(({ subtasks }) =>
    subtasks.flatMap(({ taskManager, splits }) =>
      taskManager === undefined ? [] : splits.map(({ partition }) => ({ id: taskManager.id, partition })),
    ),
  )
}

describe('faults of class T: what pages say', () => {
  it('T05 what Prometheus takes and refuses of a page gives the true position or none', async () => {
    const mine = readers()
    expect(mine).toHaveLength(pageVariants.length)
    const cases = pageVariants.map((variant, at) => ({
      ...variant,
      partition: mine[at]?.partition ?? -1,
      id: mine[at]?.id ?? '',
    }))
    const gates = new Map(cases.map(({ id }) => [id, world.reporterOf(id)]))
    const before = world.truth('victim')
    const observed = await world.observe({ mayLeave: true })
    for (const { id, attack } of cases) gates.get(id)?.attack(attack)
    try {
      await eventually('all pages to be read', 30_000, async () =>
        [...gates.values()].every((gate) => gate.attacked() >= 2),
      )
      await world.follows('healthy')
      await sleep(3_000)
      const after = world.truth('victim')
      const found: Record<string, string> = {}
      const wanted: Record<string, string> = {}
      for (const { name, partition, position } of cases) {
        const key = `victim/wide-etl/wide/${partition}`
        const printed = await world.lag('victim', 'wide-etl', 'wide', partition)
        const isNew = printed === String(after.get(key))
        found[name] = isNew
          ? 'true'
          : printed === undefined || printed === String(before.get(key))
            ? 'none'
            : `${printed}`
        wanted[name] = position
      }
      expect(found).toEqual(wanted)
      expect(await world.errors('flink-pages', 'main')).toBeGreaterThan(0)
    } finally {
      for (const gate of gates.values()) gate.attack(undefined)
    }
    await world.isRight('victim', 90_000)
    await world.follows('victim')
    await observed.end()
  })

  it('T10 ports that answer for other processes give no row of them', async () => {
    const observed = await world.observe({ mayMove: true })
    const mine = readers().slice(0, 20)
    const others = otherPorts(mine[0]?.id ?? '')
    const gates = mine.map(({ id }) => world.reporterOf(id))
    const before = gates.map((gate) => gate.attacked())
    try {
      for (const [at, gate] of gates.entries()) {
        const port = others[at % others.length]
        gate.attack(({ pass }) => pass(undefined, { port }))
      }
      await eventually('all to answer for others', 20_000, async () =>
        gates.every((gate, at) => gate.attacked() > (before[at] ?? 0)),
      )
      for (const { partition } of mine) world.kafka.state.append('wide', partition, 1_000)
      await world.follows('healthy')
    } finally {
      for (const gate of gates) gate.attack(undefined)
    }
    await world.isRight('victim', 90_000)
    await observed.end()
  })

  it('T10 a JobManager that answers for another application is not believed', async () => {
    const foreign = world.yarns.healthy.world.find('orders-etl').cluster.jobManager.restPort
    const neighbour = world.yarns.victim.world.find('orders-copy').cluster.jobManager.restPort
    const before = await world.errors('yarn', 'victim')
    const observed = await world.observe()
    const gates: readonly HostileGate[] = [world.jobManager, world.resourceManager]
    try {
      for (const port of [foreign, neighbour]) {
        const attacked = world.jobManager.attacked()
        world.jobManager.attack(({ pass }) => pass(undefined, { port }))
        // The proxy of the ResourceManager leads to nobody.
        world.resourceManager.attack(({ response }) => void response.destroy(), /^\/proxy\//)
        await eventually('it to be asked', 15_000, async () => world.jobManager.attacked() > attacked + 3)
        await sleep(3_000)
        const { jobs } = JSON.parse(await world.text('/api/v1/jobs?flink_cluster=victim'))
        expect(jobs.map((job: { flink_job: string }) => job.flink_job)).toEqual(['orders-copy', 'wide-etl'])
        await world.follows('healthy')
      }
      expect(await world.errors('yarn', 'victim')).toBeGreaterThan(before)
      const text = await world.log()
      expect(text).toContain('it is the JobManager of application_')
    } finally {
      for (const gate of gates) gate.attack(undefined)
    }
    await world.isRight('victim', 60_000)
    await world.follows('victim')
    await observed.end()
  })
})

/** Of another subtask of the job, another job, another cluster, and a JobManager. */
function otherPorts(id: string): readonly (number | undefined)[] {
  const { victim, healthy } = world.yarns
  const all = (yarn: typeof victim) => yarn.world.processes().map(({ process }) => process)
  const first = (yarn: typeof victim, kind: string, skip = 0) =>
    all(yarn).filter((one) => one.kind === kind && one.id !== id)[skip]?.reporterPort
  return [
    first(victim, 'taskmanager'),
    victim.world.find('orders-copy').cluster.taskManagers[0]?.process.reporterPort,
    first(healthy, 'taskmanager'),
    first(victim, 'jobmanager'),
    first(victim, 'taskmanager', 3),
  ]
}
