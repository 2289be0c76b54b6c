import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type FlinkSimulatedWorld, openFlinkSimulatedWorld } from './flink-simulated-world.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

let world: FlinkSimulatedWorld

beforeAll(async () => {
  world = await openFlinkSimulatedWorld()
  await world.isRight('healthy')
  await world.isRight('victim')
})

afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
  await removeTemporaryFolders()
})

describe("faults of class T: processes that take each other's ports", () => {
  it('T10 of 50 TaskManagers one after the other on one port none is taken for another', async () => {
    // The two partitions are not alike; logs stand still, so that every lag that is printed was true at some moment.
    world.kafka.state.append('payments', 1, 500)
    await world.isRight('victim')
    // One that was killed is a target until that is noticed.
    const observed = await world.observe({ mayMove: true })
    const { world: flink } = world.yarns.victim
    const port = flink.find('payments-etl').cluster.taskManagers[0]?.process.reporterPort
    const owner = () => flink.processes().find(({ process }) => process.reporterPort === port)?.process.id ?? ''
    const address = `127.0.0.1:${world.reporterOf(owner()).port}`
    const seen = new Set<string>([owner()])
    for (let round = 0; round < 50; round++) {
      flink.killTaskManager(owner())
      await world.yarns.victim.settle()
      const id = owner()
      seen.add(id)
      for (let second = 0; second < 9; second++) {
        await world.yarns.victim.tick()
        await sleep(60)
      }
      await eventually(`${id} to be listed in place of the one before`, 30_000, async () => {
        const there = [...(await world.targets('victim'))].filter((target) => target.endsWith(` ${address}`))
        return there.length === 1 && there[0]?.includes(`/${id} `)
      })
    }
    injected(seen.size === 51, `${seen.size} processes`)
    await world.isRight('victim', 60_000)
    await observed.end()
  })
})
