import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createReporterSearch } from '../../src/discovery/reporter-search.ts'
import { createYarnDiscoverer } from '../../src/discovery/yarn.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { fakeClock } from '../fakes/clock.ts'
import { containerOf, type FakeJobManager, flinkWorld, hexId } from './flink-world.ts'
import { collect, pass, start } from './report.ts'

const hosts = ['10.0.0.1', '10.0.0.2']
const ports = [9250, 9251, 9252, 9253]

/** What may happen between two looks; numbers choose among what is there. */
const event = fc.record({
  what: fc.constantFrom('start', 'start', 'kill', 'kill unnoticed', 'replace', 'end', 'hang', 'recover', 'wait'),
  which: fc.nat(1_000),
})

it('settles on exactly the processes that live, at their addresses, whatever happened before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 25 }), async (events) => {
      const clock = fakeClock()
      const world = flinkWorld(clock)
      const report = collect()
      const deps = { clock, resolve: world.resolve, guard: () => undefined, logger: silentLogger }
      const search = createReporterSearch({ ...deps, readHead: world.readHead })
      const options = { name: 'prod', filter: {}, zone: 'default', ports, intervalMs: 10_000, isLocal: false }
      const more = { ...deps, search, cluster: world.yarn, createRest: world.createRest }
      const jms = new Map<string, FakeJobManager>()
      /** TaskManagers that live, with the address of their reporter if they found a port. */
      const living = new Map<string, { application: string; address: string | undefined }>()
      let count = 1
      for (const number of [1, 2]) {
        const id = `application_1_000${number}`
        const jm = world.jobManager(`http://${hosts[0]}:4000${number}`, { jobs: [{ id: hexId(number), name: 'x' }] })
        jms.set(id, jm)
        world.application(id, jm)
      }

      const startOn = (application: string, host: string): void => {
        const id = containerOf(application, 1, ++count)
        const port = ports.find((one) => !world.pages.has(`${host}:${one}`))
        world.taskManager(jms.get(application)!, id, host, port)
        living.set(id, { application, address: port === undefined ? undefined : `${host}:${port}` })
      }
      const kill = (
        which: number,
        isNoticed: boolean,
      ): { application: string; address: string | undefined } | undefined => {
        const [id, one] = [...living][which % Math.max(1, living.size)] ?? []
        if (id === undefined || one === undefined) return undefined
        living.delete(id)
        if (one.address !== undefined) world.pages.delete(one.address)
        const jm = jms.get(one.application)
        if (isNoticed && jm !== undefined) jm.taskManagers = jm.taskManagers.filter((each) => each.id !== id)
        return one
      }
      const happen = ({ what, which }: { what: string; which: number }): void => {
        const [application, jm] = [...jms][which % Math.max(1, jms.size)] ?? []
        if (application === undefined || jm === undefined) return
        if (what === 'start') startOn(application, hosts[which % 2]!)
        if (what === 'kill') kill(which, true)
        if (what === 'kill unnoticed') kill(which, false)
        // The new one takes the port that has just become free.
        if (what === 'replace') {
          const gone = kill(which, which % 2 === 0)
          if (gone !== undefined) startOn(gone.application, gone.address?.split(':')[0] ?? hosts[0]!)
        }
        if (what === 'hang') jm.mood = 'hung'
        if (what === 'recover') jm.mood = 'well'
        if (what !== 'end') return
        for (const [id, one] of [...living]) {
          if (one.application !== application) continue
          living.delete(id)
          if (one.address !== undefined) world.pages.delete(one.address)
        }
        world.applications.set(application, { ...world.applications.get(application)!, state: 'FINISHED' })
        jms.delete(application)
      }

      await using _ = start(createYarnDiscoverer(options, more), report)
      for (const one of events) {
        happen(one)
        await pass(clock, 4_000)
        for (const { reporters } of report.updates.splice(0)) {
          const addresses = reporters.map(({ address }) => address)
          expect(new Set(addresses).size).toBe(addresses.length)
        }
      }
      for (const jm of jms.values()) jm.mood = 'well'
      await pass(clock, 420_000)

      const expected = [...living].flatMap(([id, { address }]) => (address === undefined ? [] : [[id, address]]))
      expect(report.addresses()).toEqual(Object.fromEntries(expected))
      expect([...report.scopes().keys()].sort()).toEqual([...jms.keys()].sort())
    }),
    { numRuns: 12 },
  )
}, 60_000)
