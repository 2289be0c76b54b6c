import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/runtime/logger.ts'
import type { YarnApplication, YarnContainer } from '../../src/yarn/application.ts'
import { createYarnCluster, type YarnCluster } from '../../src/yarn/yarn-cluster.ts'
import type { ApplicationPlan, RigApplication } from '../rigs/yarn-application.ts'

/** A YARN with one node, two queues `default` and `stream`, and nothing running. */
export interface YarnUnderTest extends AsyncDisposable {
  readonly resourceManagers: readonly string[]
  submit(plan: ApplicationPlan): Promise<RigApplication>
}

const signal = new AbortController().signal
const waitMs = 60_000

/** Asserts what every YARN does as far as we look at it, so that simulated ones do it too. */
export function describeYarnCluster(title: string, start: () => Promise<YarnUnderTest>): void {
  describe(title, () => {
    let yarn: YarnUnderTest | undefined
    let client: YarnCluster | undefined
    const world = () => {
      if (yarn === undefined || client === undefined) throw new Error('The cluster has not been started')
      return { yarn, client }
    }
    beforeAll(async () => {
      yarn = await start()
      const { resourceManagers } = yarn
      client = createYarnCluster({ name: 'etl', resourceManagers, timeoutMs: 20_000 }, { logger: silentLogger })
    })
    afterAll(async () => {
      client?.close()
      await yarn?.[Symbol.asyncDispose]()
    })

    /** The record once it is in this state, and the states on the way. */
    async function reach(id: string, state: string): Promise<YarnApplication & { readonly way: readonly string[] }> {
      const deadline = performance.now() + waitMs
      const way: string[] = []
      for (;;) {
        const found = await world().client.application(id, signal)
        if (found !== undefined && found.state !== way.at(-1)) way.push(found.state)
        if (found?.state !== 'RUNNING') expect(found?.amRpcAddress).toBeUndefined()
        if (found?.state === state) return { ...found, way }
        if (performance.now() > deadline)
          throw new Error(`Wait for ${id} in ${state}: ${JSON.stringify(found)} after ${way.join()}`)
        await sleep(100)
      }
    }

    async function containers(): Promise<readonly YarnContainer[]> {
      const [node] = await world().client.nodes(signal)
      if (node === undefined) throw new Error('No node')
      return world().client.containers(node, signal)
    }

    it('has no applications at first, and one node without containers', async () => {
      const { client: cluster } = world()
      expect(await cluster.applications({}, signal)).toEqual([])
      expect(await cluster.applications({ types: ['Apache Flink'], states: ['RUNNING'] }, signal)).toEqual([])
      expect(await cluster.application('application_1_0001', signal)).toBeUndefined()
      expect(await cluster.attempts('application_1_0001', signal)).toEqual([])
      const nodes = await cluster.nodes(signal)
      expect(nodes).toHaveLength(1)
      expect(nodes[0]).toMatchObject({ state: 'RUNNING', httpAddress: expect.stringMatching(/^[\w.-]+:\d+$/) })
      expect(await containers()).toEqual([])
      await expect(cluster.applications({ states: ['BOGUS'] }, signal)).rejects.toThrow(/HTTP 400.*BOGUS/)
    })

    it('an application lives: accepted, running with an address, a second attempt after its master died, finished', async () => {
      const { yarn: cluster, client: asked } = world()
      const before = Date.now()
      const plan: ApplicationPlan = {
        name: 'orders "ü" <etl>, one',
        queue: 'stream',
        tags: ['Team-A', 'prod'],
        master: { host: 'localhost', port: 18_081, trackingUrl: 'http://localhost:18081' },
      }
      const submitted = await cluster.submit(plan)
      const first = await reach(submitted.id, 'RUNNING')
      expect(first.way).toContain('ACCEPTED')
      expect(first).toMatchObject({
        name: plan.name,
        type: 'Apache Flink',
        tags: ['prod', 'team-a'],
        finalStatus: 'UNDEFINED',
        amRpcAddress: 'localhost:18081',
        trackingUrl: expect.stringMatching(new RegExp(`^http://[^/]+/proxy/${submitted.id}/$`)),
      })
      expect(first.queue).toMatch(/^(root\.)?stream$/)
      expect(first.startedAt).toBeGreaterThan(before - 5_000)
      expect(first.startedAt).toBeLessThan(Date.now() + 5_000)
      expect(first.finishedAt).toBeUndefined()

      const [attempt] = await asked.attempts(submitted.id, signal)
      expect(attempt).toMatchObject({ number: 1, containerId: expect.stringMatching(/_01_000001$/) })
      const running = (await containers()).filter(({ state }) => state === 'RUNNING')
      expect(running.map(({ id }) => id)).toEqual([attempt?.containerId])

      await submitted.die()
      await reach(submitted.id, 'ACCEPTED')
      const second = await reach(submitted.id, 'RUNNING')
      expect(second.amRpcAddress).toBe('localhost:18081')
      const tried = await asked.attempts(submitted.id, signal)
      expect(tried.map(({ number }) => number)).toEqual([1, 2])
      expect(tried[1]?.containerId).toMatch(/_02_000001$/)

      await submitted.finish()
      const over = await reach(submitted.id, 'FINISHED')
      expect(over.finalStatus).toBe('SUCCEEDED')
      expect(over.finishedAt).toBeGreaterThanOrEqual(over.startedAt ?? Number.POSITIVE_INFINITY)
    })

    it('is filtered by type, state, tag, queue and user, whatever form a queue is given in', async () => {
      const { yarn: cluster, client: asked } = world()
      const here = { queue: 'default', tags: ['team-b'] }
      const flink = await cluster.submit({ name: 'waits', ...here })
      const other = await cluster.submit({ name: 'other', ...here, type: 'SPARK' })
      await Promise.all([reach(flink.id, 'ACCEPTED'), reach(other.id, 'ACCEPTED')])
      const states = ['ACCEPTED', 'RUNNING']
      const names = async (filter: Parameters<YarnCluster['applications']>[0]) =>
        (await asked.applications({ states, ...filter }, signal)).map(({ name }) => name).toSorted()

      expect(await names({})).toEqual(['other', 'waits'])
      expect(await names({ types: ['Apache Flink'] })).toEqual(['waits'])
      expect(await names({ tags: ['TEAM-B'] })).toEqual(['other', 'waits'])
      expect(await names({ tags: ['team-c'] })).toEqual([])
      for (const queue of ['default', 'root.default', 'root'])
        expect(await names({ queues: [queue] })).toEqual(['other', 'waits'])
      for (const queue of ['stream', 'root.stream', 'unknown', 'root.unknown'])
        expect(await names({ queues: [queue] })).toEqual([])
      const user = (await asked.application(flink.id, signal))?.user ?? ''
      expect(user).not.toBe('')
      expect(await names({ users: [user] })).toEqual(['other', 'waits'])
      expect(await names({ users: ['somebody'] })).toEqual([])
      expect(await names({ users: [user, 'somebody'] })).toEqual(['other', 'waits'])

      await Promise.all([flink.kill(), other.kill()])
      const killed = await reach(flink.id, 'KILLED')
      expect(killed.finalStatus).toBe('KILLED')
      await reach(other.id, 'KILLED')
      expect(await names({})).toEqual([])
    })
  })
}
