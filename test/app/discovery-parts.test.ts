import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { createDiscoveryService } from '../../src/app/discovery-service.ts'
import { createJobBoard } from '../../src/app/job-board.ts'
import { readPageHead } from '../../src/app/page-heads.ts'
import { createPageWitness } from '../../src/app/page-witness.ts'
import { createRegisteredElsewhere } from '../../src/app/registered-elsewhere.ts'
import type { DiscoveryReport, FoundScope } from '../../src/discovery/discoverer.ts'
import type { PageFailure, PageReading } from '../../src/flink/flink-page.ts'
import { fakeClock } from '../fakes/clock.ts'
import { registration, target } from '../targets/samples.ts'

const found: FoundScope = {
  scope: 'application_1_0001',
  flinkCluster: 'prod',
  reporters: [
    {
      namespace: 'prod',
      app: 'application_1_0001',
      role: 'taskmanager',
      instance: 'tm-a',
      incarnation: '1',
      address: '10.0.0.1:9250',
      zone: 'default',
      tmId: 'tm-a',
      facts: {},
    },
    {
      namespace: 'prod',
      app: 'application_1_0001',
      role: 'jobmanager',
      instance: 'jobmanager',
      incarnation: 'x',
      address: '10.0.0.1:9251',
      zone: 'default',
      facts: {},
    },
  ],
  silent: [{ process: 'tm-b', host: '10.0.0.2', why: 'nothing listens' }],
  jobs: [],
}

it('keeps the last of each scope on the board, and has the pages of TaskManagers to be read', async () => {
  const board = createJobBoard()
  const stop = new AbortController()
  const heard = board.changes(stop.signal)[Symbol.asyncIterator]()
  const service = createDiscoveryService(
    {
      name: 'yarn/prod',
      run: async (report) => {
        report.update(found)
        report.cycle({ complete: false, problems: [{ reason: 'timeout', message: 'slow' }] })
      },
    },
    [board.reportOf('yarn/prod')],
    board.scopes,
  )
  expect(service.name).toBe('discovery yarn/prod')
  await service.run(stop.signal)
  await heard.next()

  expect(board.scopes()).toEqual([found])
  expect(board.places()).toEqual([
    { id: 'prod/application_1_0001/taskmanager/tm-a', flinkCluster: 'prod', address: '10.0.0.1:9250', tmId: 'tm-a' },
  ])
  expect(board.places()).toBe(board.places())
  expect(board.silent()).toEqual([{ ...found.silent[0], flinkCluster: 'prod', scope: 'application_1_0001' }])
  expect(board.problems()).toEqual([{ discoverer: 'yarn/prod', reason: 'timeout', message: 'slow' }])

  board.reportOf('yarn/prod').update({ ...found, reporters: [], silent: [], ended: true })
  expect(board.scopes()).toEqual([])
  board.reportOf('yarn/prod').update(found)
  board.retain(['flink/dev'])
  expect([board.scopes(), board.jobs(), board.problems()]).toEqual([[], [], []])
  stop.abort()
})

it('ends what an earlier run had found, when the first complete look does not know it', async () => {
  const board = createJobBoard()
  const discoverer = (run: (report: DiscoveryReport) => void) =>
    createDiscoveryService(
      { name: 'yarn/prod', run: async (report) => run(report) },
      [board.reportOf('yarn/prod')],
      () => board.scopesOf('yarn/prod'),
    )
  const scopes = () => board.scopes().map(({ scope }) => scope)
  const { signal } = new AbortController()
  const [gone, waits, lives] = ['application_1_0001', 'application_1_0002', 'application_1_0003'] as const
  board.reportOf('flink/dev').update({ ...found, flinkCluster: 'dev', scope: 'session' })
  await discoverer((report) => {
    for (const scope of [gone, waits, lives]) report.update({ ...found, scope })
    report.cycle({ complete: true, problems: [] })
  }).run(signal)

  await discoverer((report) => {
    report.update({ ...found, scope: lives })
    report.cycle({ complete: false, problems: [], waiting: [waits] })
    expect(scopes()).toEqual(['session', gone, waits, lives])
    report.cycle({ complete: true, problems: [], waiting: [waits] })
    expect(scopes()).toEqual(['session', waits, lives])
    // From now on it is the discoverer's to say what has ended.
    report.cycle({ complete: true, problems: [] })
  }).run(signal)

  expect(scopes()).toEqual(['session', waits, lives])
})

it('tells what the poller has seen, whichever was later', () => {
  const pages = new Map<string, PageReading>()
  const failures = new Map<string, PageFailure>()
  const witness = createPageWitness({ page: (id) => pages.get(id), failure: (id) => failures.get(id) })
  const where = { id: 'a', flinkCluster: 'prod', url: 'http://10.0.0.1:9250/metrics' }
  expect(witness('a')).toBeUndefined()

  const page = { partitions: [], operators: [], topicNames: new Map(), bytes: 1, badLines: 0 }
  pages.set('a', { ...where, page, sentAt: 90, takenAt: 100 })
  expect(witness('a')).toEqual({ at: 100, verdict: 'same', address: '10.0.0.1:9250' })
  failures.set('a', { ...where, kind: 'timeout', why: '', at: 110 })
  expect(witness('a')?.verdict).toBe('same')
  failures.set('a', { ...where, kind: 'other_process', why: '', at: 110 })
  expect(witness('a')).toEqual({ at: 110, verdict: 'other', address: '10.0.0.1:9250' })
})

it('finds the registration that a TaskManager made for itself, and not those that we made', () => {
  const clock = fakeClock()
  let targets = [
    target({ instance: 'tm-1', address: '10.0.0.1:1' }),
    target({ instance: 'x', facts: { containerId: 'container_1' }, address: '10.0.0.1:2' }),
    target({ instance: 'tm-2', labels: { discoverer: 'yarn/prod' } }),
  ]
  let version = 1
  const find = createRegisteredElsewhere(
    () => [undefined, { version, confirmedAt: 0, whole: true, targets, quarantined: [] }],
    clock,
  )

  expect(find('tm-1')).toEqual({ id: registration({ instance: 'tm-1' }).id, address: '10.0.0.1:1' })
  expect(find('container_1')?.address).toBe('10.0.0.1:2')
  expect(find('tm-2')).toBeUndefined()
  targets = []
  version++
  expect(find('tm-1')).toBeDefined()
  void clock.advance(6_000)
  expect(find('tm-1')).toBeUndefined()
})

it.each([
  ['flink_taskmanager_x{host="h",tm_id="a_1",} 1\n', 200, { kind: 'taskmanager', tmId: 'a_1' }],
  ['flink_jobmanager_numRegisteredTaskManagers 2.0', 200, { kind: 'jobmanager', jobs: [], taskManagers: 2 }],
  ['go_goroutines 1\n', 200, { kind: 'stranger' }],
  ['no', 404, { kind: 'nobody' }],
  ['busy', 503, { kind: 'unknown' }],
] as const)('reads %j with status %d over HTTP as %o', async (body, status, head) => {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const packed = request.headers['accept-encoding']?.includes('gzip') === true
    response.writeHead(status, packed ? { 'content-encoding': 'gzip' } : {})
    response.end(packed ? gzipSync(body) : body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  try {
    expect(await readPageHead(`127.0.0.1:${port}`, AbortSignal.timeout(5_000))).toMatchObject(head)
    expect(requests).toEqual(['GET /metrics'])
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  expect(await readPageHead(`127.0.0.1:${port}`, AbortSignal.timeout(5_000))).toMatchObject({ kind: 'nobody' })
  expect(await readPageHead('localhost:1', AbortSignal.timeout(5_000))).toMatchObject({ kind: 'unknown' })
})
