import { expect, it } from 'vitest'
import { createReporterSearch } from '../../src/discovery/reporter-search.ts'
import type { ReporterSearch, ReporterSearchDeps, SearchResult, Sought } from '../../src/discovery/sought.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { type FlinkWorld, flinkWorld, hexId } from './flink-world.ts'
import { pass } from './report.ts'

const host = '10.0.0.1'
const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, at) => first + at)

interface Searching {
  readonly clock: FakeClock
  readonly world: FlinkWorld
  readonly search: ReporterSearch
  find(sought: Sought): Promise<SearchResult>
}

function searching(more: Partial<ReporterSearchDeps> = {}): Searching {
  const clock = fakeClock()
  const world = flinkWorld(clock)
  const search = createReporterSearch({
    clock,
    readHead: world.readHead,
    resolve: world.resolve,
    guard: () => undefined,
    ...more,
  })
  return {
    clock,
    world,
    search,
    find: async (sought) => {
      let result: SearchResult | undefined
      void search.find(sought, AbortSignal.timeout(60_000)).then((found) => {
        result = found
      })
      for (let step = 0; step < 1_000 && result === undefined; step++) await pass(clock, 50)
      return result!
    },
  }
}

function taskManager(tmId: string, overrides: Partial<Sought> = {}): Sought {
  return {
    id: `prod/app/taskmanager/${tmId}`,
    life: '1',
    host,
    isLocal: false,
    ports: range(9250, 9260),
    wanted: { kind: 'taskmanager', tmId },
    ...overrides,
  }
}

const page = (tmId: string) => ({ kind: 'taskmanager', tmId }) as const

it('asks each port of the range at most once for a new process', async () => {
  const { world, find } = searching()
  world.pages.set('10.0.0.1:9260', page('a'))

  expect(await find(taskManager('a'))).toEqual({ kind: 'found', address: '10.0.0.1:9260' })
  expect(world.probes).toHaveLength(11)
  expect(new Set(world.probes).size).toBe(11)
})

it('tries ports of processes that are known to live only after all others', async () => {
  const { clock, world, find } = searching()
  for (const [at, id] of ['a', 'b', 'c', 'd'].entries()) {
    world.pages.set(`10.0.0.1:${9250 + at}`, page(id))
    await find(taskManager(id))
    await pass(clock, 11_000)
  }
  world.probes.length = 0
  world.pages.set('10.0.0.1:9255', page('e'))

  await find(taskManager('e'))

  expect(world.probes).toEqual(range(9254, 9257).map((port) => `10.0.0.1:${port}`))
})

it('finds the process that took the port of another within seconds, and never both', async () => {
  const { clock, world, find } = searching()
  for (let round = 0; round < 50; round++) {
    world.pages.set('10.0.0.1:9250', page(`tm-${round}`))
    expect(await find(taskManager(`tm-${round}`))).toEqual({ kind: 'found', address: '10.0.0.1:9250' })
    if (round > 0) expect(await find(taskManager(`tm-${round - 1}`))).toMatchObject({ kind: 'silent' })
    await pass(clock, 3_000)
  }
})

it('believes the poller that has seen the page, and looks itself when the poller has seen somebody else', async () => {
  let seen: ReturnType<NonNullable<ReporterSearchDeps['witness']>>
  const { clock, world, search, find } = searching({ witness: () => seen })
  const sought = taskManager('a')
  world.pages.set('10.0.0.1:9250', page('a'))
  await find(sought)
  world.probes.length = 0

  for (let minute = 0; minute < 5; minute++) {
    await pass(clock, 59_000)
    seen = { at: clock.monotonic(), verdict: 'same', address: '10.0.0.1:9250' }
    await find(sought)
  }
  expect(world.probes).toEqual([])
  expect(search.seenAt(sought.id)).toBe(seen?.at)

  world.pages.set('10.0.0.1:9250', page('b'))
  seen = { at: clock.monotonic() + 1, verdict: 'other', address: '10.0.0.1:9250' }
  expect(await find(sought)).toMatchObject({ kind: 'silent' })
})

it('keeps a place that hangs, and gives up one where nobody listens', async () => {
  const { clock, world, find } = searching()
  world.pages.set('10.0.0.1:9250', page('a'))
  await find(taskManager('a'))
  await pass(clock, 61_000)

  world.pages.set('10.0.0.1:9250', 'hung')
  expect(await find(taskManager('a'))).toMatchObject({ kind: 'found' })
  world.pages.delete('10.0.0.1:9250')
  expect(await find(taskManager('a'))).toMatchObject({ kind: 'silent' })
})

it('says why there is none', async () => {
  const { world, find } = searching()
  expect(await find(taskManager('a', { ports: [9249] }))).toMatchObject({
    why: 'nothing listens on port 9249 of "10.0.0.1"',
  })
  world.pages.set('10.0.0.1:9300', page('x'))
  world.pages.set('10.0.0.1:9301', { kind: 'stranger', why: '' })
  expect(await find(taskManager('b', { ports: [9300, 9301] }))).toMatchObject({
    why: 'all 2 ports 9300-9301 of "10.0.0.1" are taken by other processes: the range is exhausted',
  })
  world.pages.set('10.0.0.1:9302', 'hung')
  expect(await find(taskManager('c', { ports: [9300, 9302, 9303] }))).toMatchObject({
    why: 'none of ports 9300, 9302-9303 of "10.0.0.1" shows its tm_id: 1 belong to other processes, 1 are closed, 1 gave no answer in time',
  })
  expect(await find(taskManager('d', { host: 'nowhere' }))).toMatchObject({ why: 'there is no host "nowhere"' })
  expect(await find(taskManager('e', { ports: [] }))).toMatchObject({
    why: 'the ports of its reporter are not known: neither configured nor in its configuration',
  })
})

it('searches again later and later, and at once when the log names a port', async () => {
  const { clock, world, search, find } = searching()
  const sought = taskManager('a')
  const searchesIn = async (ms: number): Promise<number> => {
    world.probes.length = 0
    for (let passed = 0; passed < ms; passed += 10_000) {
      await find(sought)
      await pass(clock, 10_000)
    }
    return world.probes.length / 11
  }
  expect(await searchesIn(100_000)).toBe(4)
  expect(await searchesIn(600_000)).toBe(2)

  world.pages.set('10.0.0.1:12345', page('a'))
  search.hint(sought.id, 12_345)
  expect(await find(sought)).toEqual({ kind: 'found', address: '10.0.0.1:12345' })
})

it('takes what others have registered, when its page is the right one', async () => {
  const { clock, world, find } = searching({
    registered: () => ({ id: 'payments/orders/tm/1', address: '10.0.0.1:7777' }),
  })
  expect(await find(taskManager('a'))).toMatchObject({ kind: 'silent' })

  await pass(clock, 3_000)
  world.pages.set('10.0.0.1:7777', page('a'))
  expect(await find(taskManager('a'))).toEqual({
    kind: 'found',
    address: '10.0.0.1:7777',
    registeredAs: 'payments/orders/tm/1',
  })
})

it('needs one request for a process whose address is remembered from before a restart', async () => {
  const { world, find } = searching({ remembered: () => '10.0.0.1:9258' })
  world.pages.set('10.0.0.1:9258', page('a'))

  expect(await find(taskManager('a'))).toEqual({ kind: 'found', address: '10.0.0.1:9258' })
  expect(world.probes).toHaveLength(1)
})

it('keeps the name of a host beside its address, and asks its next address when the first has nobody', async () => {
  const { clock, world, find } = searching()
  world.names.set('worker-7', ['10.0.0.7', 'fd00::7'])
  world.pages.set('[fd00::7]:9251', page('a'))
  const sought = taskManager('a', { host: 'worker-7' })

  expect(await find(sought)).toMatchObject({ kind: 'silent' })
  await pass(clock, 10_000)
  expect(await find(sought)).toEqual({ kind: 'found', address: '[fd00::7]:9251', host: 'worker-7' })
})

const jobManager = (id: string, jobs: { id: string; name: string }[], taskManagers = 1): Sought => ({
  ...taskManager(id),
  wanted: { kind: 'jobmanager', jobs, taskManagers, mayBeStandby: false },
})

it('tells the JobManagers of one host apart by their jobs', async () => {
  const { world, find } = searching()
  for (let at = 0; at < 5; at++)
    world.pages.set(`10.0.0.1:${9250 + at}`, {
      kind: 'jobmanager',
      jobs: [{ id: hexId(at), name: 'same' }],
      taskManagers: 1,
    })

  for (const at of [4, 0, 2])
    expect(await find(jobManager(`jm-${at}`, [{ id: hexId(at), name: 'same' }]))).toMatchObject({
      address: `10.0.0.1:${9250 + at}`,
    })
})

it('does not guess between JobManagers that are alike, until the log says which', async () => {
  const { clock, world, search, find } = searching()
  for (const port of [9250, 9251])
    world.pages.set(`10.0.0.1:${port}`, { kind: 'jobmanager', jobs: [], taskManagers: 1 })
  const sought = jobManager('jm', [])

  const first = await find(sought)
  expect(first).toMatchObject({ kind: 'silent', isSearched: true })
  expect(first.kind === 'silent' ? first.why : '').toContain('do not tell them apart')

  search.hint(sought.id, 9251)
  await pass(clock, 3_000)
  expect(await find(sought)).toMatchObject({ kind: 'found', address: '10.0.0.1:9251' })
})

it('takes the only JobManager without jobs that has as many TaskManagers', async () => {
  const { world, find } = searching()
  world.pages.set('10.0.0.1:9250', { kind: 'jobmanager', jobs: [], taskManagers: 3 })
  world.pages.set('10.0.0.1:9251', { kind: 'jobmanager', jobs: [], taskManagers: 1 })

  expect(await find(jobManager('jm', []))).toMatchObject({ address: '10.0.0.1:9251' })
})
