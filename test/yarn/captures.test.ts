import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/runtime/logger.ts'
import type { YarnApplication } from '../../src/yarn/application.ts'
import { createYarnCluster, type YarnCluster } from '../../src/yarn/yarn-cluster.ts'
import { type FakeManager, startFakeManager } from './fake-manager.ts'
import { readScene, readWatch, replayServer, replyOf } from './replay.ts'

const signal = new AbortController().signal
const flink = { types: ['Apache Flink'], states: ['RUNNING'] }

function clusterOf(managers: readonly FakeManager[], timeoutMs = 2_000): YarnCluster & Disposable {
  const resourceManagers = managers.map(({ url }) => url)
  const cluster = createYarnCluster({ name: 'rig', resourceManagers, timeoutMs }, { logger: silentLogger })
  return { ...cluster, [Symbol.dispose]: () => cluster.close() }
}

/** `<last digits of the id> <state> <address>`. */
function brief(applications: readonly YarnApplication[]): readonly string[] {
  return applications.map(({ id, state, amRpcAddress }) => `${id.slice(-4)} ${state} ${amRpcAddress ?? '-'}`).toSorted()
}

// What was true at each moment: from how the captures were made.
const moments336 = [
  ['01-one-application', ['0001 RUNNING localhost:45235'], 1, 3],
  [
    '02-two-applications-one-failing',
    ['0001 RUNNING localhost:45235', '0002 RUNNING localhost:45055', '0003 FAILED -'],
    1,
    5,
  ],
  ['03-taskmanager-replaced', ['0001 RUNNING localhost:45235', '0002 RUNNING localhost:45055', '0003 FAILED -'], 1, 5],
  ['04-am-just-killed', ['0001 ACCEPTED -', '0002 RUNNING localhost:45055', '0003 FAILED -'], 2, 3],
  ['05-second-attempt', ['0001 RUNNING localhost:38321', '0002 RUNNING localhost:45055', '0003 FAILED -'], 2, 5],
  // 0001 still names the address of a process that is gone.
  ['06-all-ended', ['0001 FINISHED -', '0002 KILLED -', '0003 FAILED -'], 2, 0],
] as const

describe.each(moments336)('YARN 3.3.6, captured: %s', (moment, all, attempts, containers) => {
  const scene = readScene(`3.3.6-${moment}`)

  it('lists applications, all and by the filters', async () => {
    await using manager = await replayServer(scene, 20088)
    using cluster = clusterOf([manager])

    expect(brief(await cluster.applications({}, signal))).toEqual(all)
    const running = all.filter((one) => one.includes('RUNNING'))
    expect(brief(await cluster.applications(flink, signal))).toEqual(running)
    expect(await cluster.applications({ states: ['NEW'] }, signal)).toEqual([])
    expect(brief(await cluster.applications({ tags: ['team-a'] }, signal))).toEqual(
      all.filter((one) => one.startsWith('0001')),
    )
    for (const queue of ['stream', 'root.stream'])
      expect(brief(await cluster.applications({ queues: [queue] }, signal))).toEqual(
        all.filter((one) => one.startsWith('0001')),
      )
    await expect(cluster.applications({ states: ['BOGUS'] }, signal)).rejects.toThrow(/HTTP 400.*BOGUS/)
  })

  it('knows single applications, their attempts, nodes and containers', async () => {
    await using manager = await replayServer(scene, 20088)
    await using node = await replayServer(scene, 20042)
    using cluster = clusterOf([manager])
    const id = 'application_1795527177854_0001'

    expect(brief([(await cluster.application(id, signal)) ?? failure()])).toEqual(
      all.filter((one) => one.startsWith('0001')),
    )
    expect(await cluster.application('application_1_0001', signal)).toBeUndefined()
    const tried = await cluster.attempts(id, signal)
    expect(tried.map(({ number }) => number)).toEqual(Array.from({ length: attempts }, (_, index) => index + 1))
    expect(tried[0]).toMatchObject({
      containerId: 'container_1795527177854_0001_01_000001',
      nodeHttpAddress: 'localhost:20042',
      startedAt: 1_795_527_194_208,
    })
    const [only, ...others] = await cluster.nodes(signal)
    expect(others).toEqual([])
    expect(only).toEqual({
      id: 'localhost:20041',
      host: 'localhost',
      httpAddress: 'localhost:20042',
      state: 'RUNNING',
    })
    const listed = await cluster.containers({ ...(only ?? failure()), httpAddress: new URL(node.url).host }, signal)
    expect(listed.filter(({ state }) => state === 'RUNNING')).toHaveLength(containers)
    expect(new Set(listed.map(({ user }) => user)).size).toBeLessThanOrEqual(1)
  })
})

it('an application has its name, queue, tags, times and what it died of', async () => {
  await using manager = await replayServer(readScene('3.3.6-06-all-ended'), 20088)
  using cluster = clusterOf([manager])

  const byId = new Map((await cluster.applications({}, signal)).map((one) => [one.id.slice(-4), one]))
  expect(byId.get('0001')).toEqual({
    id: 'application_1795527177854_0001',
    name: 'app.orders-etl',
    user: 'rig',
    queue: 'stream',
    state: 'FINISHED',
    finalStatus: 'KILLED',
    type: 'Apache Flink',
    tags: ['prod', 'team-a'],
    trackingUrl: 'http://localhost:20088/proxy/application_1795527177854_0001/',
    startedAt: 1_795_527_194_186,
    finishedAt: 1_795_527_471_104,
  })
  expect(byId.get('0003')?.diagnostics).toMatch(/^Application application_1795527177854_0003 failed 2 times/)
})

describe('YARN 3.4.1 with two ResourceManagers, captured', () => {
  it.each([
    ['01-rm1-active', 0],
    ['03-rm2-active', 1],
  ])('%s: the active one answers for both, wherever it stands in the list', async (moment, active) => {
    const scene = readScene(`3.4.1-ha-${moment}`)
    await using first = await replayServer(scene, 20088)
    await using second = await replayServer(scene, 20188)
    for (const managers of [
      [first, second],
      [second, first],
    ]) {
      using cluster = clusterOf(managers)
      expect(brief(await cluster.applications(flink, signal))).toEqual(['0001 RUNNING localhost:38087'])
      const [asked, other] = active === 0 ? [first, second] : [second, first]
      asked.takeAsked()
      other.takeAsked()
      await cluster.applications(flink, signal)
      expect(asked.takeAsked()).toEqual(['/ws/v1/cluster/apps'])
      expect(other.takeAsked()).toEqual([])
    }
  })

  it('02-failover-watch: while the active one is frozen no look hangs, none invents a list, and the takeover is seen', async () => {
    const frozen = await startFakeManager(() => 'hang')
    const answers = readWatch('3.4.1-ha-02-failover-watch')
    let now = answers[0]
    // Whether the standby answers about itself in that time was not captured: the harder case is that it says ACTIVE.
    const standby = await startFakeManager((path) => {
      if (now === undefined || now.status === 0) return 'hang'
      if (path.startsWith('/ws/v1/cluster/info')) return { body: '{"clusterInfo":{"haState":"ACTIVE"}}' }
      return replyOf(now)
    })
    await using _one = frozen
    await using _two = standby
    using cluster = clusterOf([frozen, standby], 150)

    const outcomes: string[] = []
    for (now of answers) {
      const startedAt = performance.now()
      const outcome = await cluster.applications({}, signal).then(
        (list) => brief(list).join(),
        (error: Error) => error.message,
      )
      outcomes.push(outcome)
      expect(performance.now() - startedAt).toBeLessThan(150 * 2 + 400)
    }

    expect(outcomes.pop()).toBe('0001 ACCEPTED -')
    for (const outcome of outcomes) expect(outcome).toMatch(/no ResourceManager is active/)
    expect(outcomes[1]).toContain('Can not find any active RM')
    // It pointed to itself.
    expect(outcomes.at(-1)).toContain('HTTP 307 to "http://localhost:20188/ws/v1/cluster/apps"')
  })
})

function failure(): never {
  throw new Error('Expected a value')
}
