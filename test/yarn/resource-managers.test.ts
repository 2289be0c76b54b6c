import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createYarnCluster, type YarnCluster } from '../../src/yarn/yarn-cluster.ts'
import {
  active,
  activeWith,
  appRecord,
  appsPath,
  type FakeManager,
  info,
  infoPath,
  type Script,
  standbyOf,
  startFakeManager,
} from './fake-manager.ts'

const signal = new AbortController().signal
const timeoutMs = 200

function clusterOf(urls: readonly string[]): YarnCluster & Disposable {
  const cluster = createYarnCluster({ name: 'etl', resourceManagers: urls, timeoutMs }, { logger: silentLogger })
  return { ...cluster, [Symbol.dispose]: () => cluster.close() }
}

/** Two ResourceManagers of which the first is active. */
async function startPair(): Promise<
  { first: FakeManager; second: FakeManager; urls: readonly string[] } & AsyncDisposable
> {
  const first = await startFakeManager(activeWith(appRecord(1)))
  const second = await startFakeManager(standbyOf(first.url))
  return {
    first,
    second,
    urls: [first.url, second.url],
    [Symbol.asyncDispose]: async () => {
      await first[Symbol.asyncDispose]()
      await second[Symbol.asyncDispose]()
    },
  }
}

const ids = async (cluster: YarnCluster): Promise<readonly string[]> =>
  (await cluster.applications({}, signal)).map(({ name }) => name)

async function took<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly outcome: T | Error }> {
  const startedAt = performance.now()
  const outcome = await work().catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
  return { ms: performance.now() - startedAt, outcome }
}

describe('of two ResourceManagers', () => {
  it('a known active one is asked directly: one request a look', async () => {
    await using pair = await startPair()
    using cluster = clusterOf(pair.urls.toReversed())

    expect(await ids(cluster)).toEqual(['etl-1'])
    expect(pair.second.takeAsked()).toEqual([infoPath])
    expect(pair.first.takeAsked()).toEqual([infoPath, appsPath])
    await ids(cluster)
    await ids(cluster)
    expect(pair.second.takeAsked()).toEqual([])
    expect(pair.first.takeAsked()).toEqual([appsPath, appsPath])
  })

  it('after an orderly switch the look that meets the new standby finds the new active one', async () => {
    await using pair = await startPair()
    using cluster = clusterOf(pair.urls)
    await ids(cluster)

    pair.first.become(standbyOf(pair.second.url))
    pair.second.become(activeWith(appRecord(2)))
    expect(await ids(cluster)).toEqual(['etl-2'])
    pair.first.takeAsked()
    expect(await ids(cluster)).toEqual(['etl-2'])
    expect(pair.first.takeAsked()).toEqual([])
  })

  it('a frozen active one costs one time-out, and is asked last from then on', async () => {
    await using pair = await startPair()
    using cluster = clusterOf(pair.urls)
    await ids(cluster)

    pair.first.become(() => 'hang')
    pair.second.become(activeWith(appRecord(2)))
    const met = await took(() => ids(cluster))
    expect(met.outcome).toEqual(['etl-2'])
    expect(met.ms).toBeGreaterThanOrEqual(timeoutMs - 5)
    expect(met.ms).toBeLessThan(timeoutMs * 1.9)
    expect((await took(() => ids(cluster))).ms).toBeLessThan(timeoutMs / 2)
  })

  it('while no one is active each look costs one time-out of the frozen one, and the takeover is seen at once', async () => {
    await using pair = await startPair()
    using cluster = clusterOf(pair.urls)
    await ids(cluster)
    pair.first.become(() => 'hang')

    for (let look = 0; look < 3; look++) {
      const { ms, outcome } = await took(() => ids(cluster))
      expect(outcome).toBeInstanceOf(Error)
      expect(String(outcome)).toMatch(
        /no ResourceManager is active \(.*no answer within 200 ms.*STANDBY|STANDBY.*no answer/,
      )
      expect(ms).toBeLessThan(timeoutMs * 1.9)
    }
    pair.second.become(activeWith(appRecord(2)))
    const { ms, outcome } = await took(() => ids(cluster))
    expect(outcome).toEqual(['etl-2'])
    expect(ms).toBeLessThan(timeoutMs / 2)
  })

  it('one that comes back is found again when the other goes', async () => {
    await using pair = await startPair()
    using cluster = clusterOf(pair.urls)
    await ids(cluster)
    pair.first.become(() => 'hang')
    pair.second.become(activeWith(appRecord(2)))
    await ids(cluster)

    pair.first.become(activeWith(appRecord(3)))
    // It was frozen and still thinks that it is active: the one that answers is not left for it.
    expect(await ids(cluster)).toEqual(['etl-2'])
    pair.second.become(standbyOf(pair.first.url))
    expect(await ids(cluster)).toEqual(['etl-3'])
  })

  it('an abort is no answer of theirs', async () => {
    await using pair = await startPair()
    using cluster = clusterOf(pair.urls)
    pair.first.become(() => 'hang')
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('stopped by the test')), 30)
    await expect(cluster.applications({}, stop.signal)).rejects.toThrow('stopped by the test')
    expect(pair.second.takeAsked()).toEqual([])
  })

  it('close() ends what is under way', async () => {
    await using pair = await startPair()
    const cluster = clusterOf(pair.urls)
    pair.first.become(() => 'hang')
    const asking = took(() => ids(cluster))
    setTimeout(() => cluster.close(), 30)
    const { ms, outcome } = await asking
    expect(outcome).toBeInstanceOf(Error)
    expect(ms).toBeLessThan(timeoutMs * 0.9)
  })
})

describe('a ResourceManager that was started again', () => {
  const reborn = 1_795_527_999_999
  const anew = { clusterId: reborn }
  const list = (...applications: readonly unknown[]) => ({ body: JSON.stringify({ apps: { app: applications } }) })
  const notFound = {
    status: 404,
    body: JSON.stringify({ RemoteException: { exception: 'NotFoundException', message: 'not found' } }),
  }
  /** As 3.4.1 does while it reads what ran before: 200 and what it has so far, and 404 for the rest. */
  const recovering =
    (...applications: readonly unknown[]): Script =>
    (path) => {
      if (path.startsWith(infoPath)) return info('INITIALIZING', reborn)
      return path.startsWith(`${appsPath}/`) ? notFound : list(...applications)
    }

  it.each([
    ['none of them', []],
    ['some of them', [appRecord(1, anew)]],
  ])('is not believed while it knows %s', async (_, known) => {
    await using manager = await startFakeManager(activeWith(appRecord(1), appRecord(2)))
    using cluster = clusterOf([manager.url])
    expect(await ids(cluster)).toEqual(['etl-1', 'etl-2'])

    manager.become(recovering(...known))
    for (let look = 0; look < 2; look++)
      await expect(ids(cluster)).rejects.toThrow(/no ResourceManager is active \(http:.*: INITIALIZING\)/)
    await expect(cluster.application('application_1795527177854_0002', signal)).rejects.toThrow('INITIALIZING')
    await expect(cluster.attempts('application_1795527177854_0002', signal)).rejects.toThrow('INITIALIZING')

    manager.become(active(() => list(appRecord(1, anew), appRecord(2, anew)), reborn))
    expect(await ids(cluster)).toEqual(['etl-1', 'etl-2'])
    manager.takeAsked()
    await ids(cluster)
    expect(manager.takeAsked()).toEqual([appsPath])
  })

  it('is asked again when it was ready only after its first answer', async () => {
    await using manager = await startFakeManager(activeWith(appRecord(1)))
    using cluster = clusterOf([manager.url])
    await ids(cluster)

    let answers = 0
    manager.become(active(() => (answers++ === 0 ? list() : list(appRecord(1, anew))), reborn))
    expect(await ids(cluster)).toEqual(['etl-1'])
    expect(answers).toBe(2)
  })

  it('that becomes active in every moment is given up', async () => {
    let life = reborn
    await using manager = await startFakeManager((path) =>
      path.startsWith(infoPath) ? info('ACTIVE', life++) : list(),
    )
    using cluster = clusterOf([manager.url])
    await expect(ids(cluster)).rejects.toThrow('it becomes active again and again')
  })

  it('an empty list, and an application that is not there, are believed of one that has been active all along', async () => {
    await using manager = await startFakeManager(
      active((path) => (path.startsWith(`${appsPath}/`) ? notFound : list())),
    )
    using cluster = clusterOf([manager.url])
    expect(await ids(cluster)).toEqual([])
    expect(await cluster.application('application_1795527177854_0002', signal)).toBeUndefined()
    expect(manager.takeAsked().filter((path) => path === infoPath)).toHaveLength(3)
  })
})

describe('never followed are redirects', () => {
  it.each([
    ['to a stranger', (stranger: string) => stranger],
    ['to itself', (_: string, itself: string) => itself],
    ['to a path of its own', () => ''],
  ])('%s', async (_, target) => {
    await using stranger = await startFakeManager(activeWith(appRecord(666)))
    let itself = ''
    for (const status of [302, 307, 308]) {
      await using liar = await startFakeManager((path) =>
        path.startsWith(infoPath)
          ? info('ACTIVE')
          : { status, type: 'text/plain', headers: { location: `${target(stranger.url, itself)}${path}` }, body: '' },
      )
      itself = liar.url
      await using standby = await startFakeManager(standbyOf(liar.url))
      using cluster = clusterOf([liar.url, standby.url])

      await expect(ids(cluster)).rejects.toThrow(new RegExp(`HTTP ${status} to ".*${appsPath}.*"; .*: STANDBY`))
      expect(liar.takeAsked()).toEqual([infoPath, appsPath])
      expect(stranger.asked).toEqual([])
    }
  })
})

describe('no list is', () => {
  const page = '<html><body>Please log in</body></html>'
  const cases: readonly (readonly [string, Script, RegExp])[] = [
    [
      'a text',
      () => ({ type: 'text/plain', body: 'There is no active RM right now.' }),
      /HTTP 200, text\/plain, expected JSON: "There is no active RM/,
    ],
    [
      'the page of a gateway',
      () => ({ type: 'text/html;charset=utf-8', body: page }),
      /text\/html, expected JSON: "<html>/,
    ],
    ['JSON in name only', () => ({ body: page }), /no JSON object/],
    ['an error', () => ({ status: 500, body: '{"RemoteException":{"exception":"X"}}' }), /HTTP 500/],
    ['404 of something else', () => ({ status: 404, type: 'text/html', body: page }), /HTTP 404, text\/html/],
    [
      'half an answer',
      () => ({ headers: { 'content-length': '1000' }, body: '{"apps":{"app":[' }),
      /no answer|cut off|end is missing/,
    ],
    ['another object', () => ({ body: '{"clusterInfo":{}}' }), /no "apps" in it/],
    ['nothing', () => ({ body: '' }), /the end is missing/],
    ['silence', () => 'hang', /no answer within 200 ms/],
  ]
  it.each(cases)('%s', async (_, script, expected) => {
    await using only = await startFakeManager(active(script))
    using cluster = clusterOf([only.url])
    const failing = ids(cluster)
    await expect(failing).rejects.toThrow(expected)
    await expect(failing).rejects.toThrow(only.url)
    await expect(cluster.application('application_1_0001', signal)).rejects.toThrow(/no ResourceManager is active/)
  })

  it('refused by an exception of the active one is told as its own words, and no other is asked', async () => {
    await using pair = await startPair()
    using cluster = clusterOf(pair.urls)
    const body = '{"RemoteException":{"exception":"BadRequestException","message":"Invalid application-state BOGUS"}}'
    pair.first.become((path) => (path.startsWith(infoPath) ? info('ACTIVE') : { status: 400, body }))
    await expect(cluster.applications({ states: ['BOGUS'] }, signal)).rejects.toThrow(
      /^Ask YARN "etl" at http:.*: HTTP 400, Invalid application-state BOGUS$/,
    )
    expect(pair.second.asked).toEqual([])
  })
})

it('a ResourceManager that cannot make records smaller is asked for whole ones from then on', async () => {
  const message = 'java.lang.Exception: Invalid deSelects string resourceInfo specified.'
  await using old = await startFakeManager(
    active((path) =>
      path.includes('deSelects')
        ? { status: 400, body: JSON.stringify({ RemoteException: { exception: 'BadRequestException', message } }) }
        : { body: JSON.stringify({ apps: { app: [appRecord(1)] } }) },
    ),
  )
  using cluster = clusterOf([old.url])

  expect(await ids(cluster)).toEqual(['etl-1'])
  expect(await ids(cluster)).toEqual(['etl-1'])
  const lists = old.asked.filter((path) => path.startsWith(appsPath))
  expect(lists.map((path) => path.includes('deSelects'))).toEqual([true, false, false])
})

it('one bad application is left out and told, never all', async () => {
  await using manager = await startFakeManager(
    activeWith(appRecord(1), { id: '../../etc' }, appRecord(2, { state: 7 }), null, appRecord(3, { user: null })),
  )
  using cluster = clusterOf([manager.url])
  const told: string[] = []

  const list = await cluster.applications({}, signal, (sentence) => told.push(sentence))
  expect(list.map(({ name, user }) => `${name} ${user}`)).toEqual(['etl-1 rig', 'etl-3 '])
  expect(told).toHaveLength(2)
  expect(told[0]).toMatch(/^Left out of "app": "..\/..\/etc": id: /)
  expect(told[1]).toMatch(/application_1795527177854_0002": state: /)
})

it('an application that we may not view says so', async () => {
  // As 3.3.6 with ACLs answers a stranger: no address, and zeros.
  const { amRPCAddress: _, ...rest } = appRecord(1, { startedTime: 0, launchTime: 0, masterNodeId: '' })
  await using manager = await startFakeManager(activeWith(rest, appRecord(2)))
  using cluster = clusterOf([manager.url])
  const [withheld, open] = await cluster.applications({}, signal)
  expect(withheld).toMatchObject({ state: 'RUNNING', withheld: true })
  expect(withheld?.startedAt).toBeUndefined()
  expect(open).not.toHaveProperty('withheld')
})

it('addresses are taken while RUNNING only, and only when they are some', async () => {
  const addresses: readonly (readonly [unknown, string | undefined])[] = [
    ['node1:45235', 'node1:45235'],
    ['10.0.0.7:45235', '10.0.0.7:45235'],
    ['fd00::7:45235', '[fd00::7]:45235'],
    ['[fd00::7]:45235', '[fd00::7]:45235'],
    ['node1:-1', undefined],
    ['node1:0', undefined],
    ['node1:70000', undefined],
    ['N/A', undefined],
    ['user@node1:1', undefined],
    ['node1/x:1', undefined],
    [null, undefined],
    [7, undefined],
  ]
  await using manager = await startFakeManager(
    activeWith(
      ...addresses.map(([amRPCAddress], index) => appRecord(index + 1, { amRPCAddress })),
      ...['ACCEPTED', 'FINISHED', 'FAILED', 'KILLED', 'NEW'].map((state) => appRecord(99, { state })),
    ),
  )
  using cluster = clusterOf([manager.url])
  const list = await cluster.applications({}, signal)
  expect(list.map(({ amRpcAddress }) => amRpcAddress)).toEqual([
    ...addresses.map(([, expected]) => expected),
    ...Array.from({ length: 5 }, () => undefined),
  ])
})

it('the filter holds also with a ResourceManager that does not know the parameters', async () => {
  await using manager = await startFakeManager(
    activeWith(
      appRecord(1),
      appRecord(2, { applicationType: 'SPARK' }),
      appRecord(3, { queue: 'root.teams.a', applicationTags: 'prod, Team-A' }),
      appRecord(4, { user: 'other', state: 'ACCEPTED' }),
    ),
  )
  using cluster = clusterOf([manager.url])
  const names = async (filter: Parameters<YarnCluster['applications']>[0]) =>
    (await cluster.applications(filter, signal)).map(({ name }) => name.slice(-1)).join('')

  expect(await names({})).toBe('1234')
  expect(await names({ types: ['apache flink'] })).toBe('134')
  expect(await names({ states: ['RUNNING'] })).toBe('123')
  expect(await names({ tags: ['team-a', 'none'] })).toBe('3')
  expect(await names({ users: ['other'] })).toBe('4')
  expect(await names({ users: ['other', 'rig'] })).toBe('1234')
  expect(await names({ queues: ['root'] })).toBe('1234')
  expect(await names({ queues: ['root.teams'] })).toBe('3')
  expect(await names({ queues: ['teams.a'] })).toBe('3')
  expect(await names({ queues: ['stream'] })).toBe('124')
  expect(await names({ queues: ['root.stream'] })).toBe('124')
  expect(await names({ queues: ['eam'] })).toBe('')
  const lists = manager.asked.filter((path) => path.startsWith(appsPath))
  const queries = lists.map((path) => new URL(path, 'http://any').searchParams)
  expect(queries[1]?.get('applicationTypes')).toBe('apache flink')
  expect(queries[4]?.get('user')).toBe('other')
  expect(queries[5]?.get('user')).toBeNull()
  expect(queries.every((query) => query.get('queue') === null)).toBe(true)
})
