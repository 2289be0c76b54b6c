import { expect, it } from 'vitest'
import { createJobBoard } from '../../src/app/job-board.ts'
import { createJobLags } from '../../src/app/job-lags.ts'
import { jobRules } from '../../src/app/job-rules.ts'
import { createJobService } from '../../src/app/job-service.ts'
import type { FoundScope } from '../../src/discovery/discoverer.ts'
import type { Job } from '../../src/model/job.ts'
import type { TopicJudgement } from '../../src/model/judgement.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { pass } from '../discovery/report.ts'
import { fakeClock } from '../fakes/clock.ts'
import { fakeLogs } from '../fakes/columns.ts'
import { fakeJudgements } from '../fakes/judgements.ts'
import { fakeSnapshot } from '../fakes/snapshot.ts'

function snapshot(topics: readonly string[], leftOut: readonly string[] = []): Snapshot {
  const { catalog, starts, ends } = fakeLogs(topics.map((name) => ({ name, start: [0n, 0n], end: [9n, 9n] })))
  return fakeSnapshot([], { catalog: { ...catalog, leftOut }, starts, ends, parts: [] })
}

it('knows the topics of a cluster by what pages show of them', async () => {
  const lags = await createJobLags()(snapshot(['ods.orders-v1', 'ods_orders_v1', 'pay-events'], ['audit.log']))

  expect(['ods_orders_v1', 'pay_events', 'pay-events', 'audit_log'].map(lags.partitionsOf)).toEqual([
    undefined,
    2,
    2,
    undefined,
  ])
  const mayHave = (...names: readonly string[]) => names.map((name) => lags.mayHave(name))
  // As pages show them, as REST does, and as they are; also what is not read here.
  expect(mayHave('ods_orders_v1', 'ods_orders-v1', 'ods.orders-v1')).toEqual([true, true, true])
  expect(mayHave('pay_events', 'pay-events', 'audit_log', 'audit.log')).toEqual([true, true, true, true])
  // With a dot it is the name itself.
  expect(mayHave('pay.events', 'ods.orders_v1', 'orders', 'audit')).toEqual([false, false, false, false])
})

it('says of a job how its consumer is doing on its worst topic', async () => {
  const consumer = { name: 'prod/etl', kind: 'flink' } as const
  const row = { partition: 0, position: 5n, start: 0n, end: 9n }
  const made = fakeSnapshot([
    { ...row, consumer, topic: 'a' },
    { ...row, consumer, topic: 'b' },
    { ...row, consumer: { name: 'g', kind: 'classic' }, topic: 'a' },
  ])
  const timeLag = { seconds: 7, uncertainty: 1, source: 'log_ends' } as const
  const ok: TopicJudgement = { status: 'ok', since: 0, outlook: 'unknown', rewinds: 0, timeLag }
  const stalled: TopicJudgement = { ...ok, status: 'stalled', why: 'it stands', timeLag: { ...timeLag, seconds: 90 } }
  const [part] = made.parts
  const of = async (blocks: readonly TopicJudgement[]) => {
    const lags = await createJobLags()({ ...made, parts: [{ ...part!, judgements: fakeJudgements(blocks) }] })
    return [lags.judged('prod/etl'), lags.judged('g')]
  }

  expect(await of([ok, stalled, ok])).toEqual([
    { consumer: 'prod/etl', status: 'stalled', why: 'it stands', timeLagMs: 90_000 },
    undefined,
  ])
  const { timeLag: _, ...untimed } = ok
  expect(await of([untimed, stalled, ok])).toEqual([
    { consumer: 'prod/etl', status: 'stalled', why: 'it stands' },
    undefined,
  ])
  expect((await createJobLags()(made)).judged('prod/etl')).toBeUndefined()
})

function begin(snapshots: Readonly<Record<string, Snapshot | undefined>>, found?: FoundScope) {
  const clock = fakeClock()
  const board = createJobBoard()
  if (found !== undefined) board.reportOf('yarn/prod').update(found)
  const jobs = createJobService({
    board,
    poller: { pages: () => new Map(), failures: () => new Map() },
    rules: () => jobRules([]),
    kafka: () =>
      Object.entries(snapshots).map(([kafkaCluster, current]) => ({
        kafkaCluster,
        current: () => current,
        groupsOfJobs: () => new Map(),
      })),
    kafkaClusterOf: () => 'main',
    isRead: () => true,
    hasLooked: () => true,
    staleMs: 90_000,
    clock,
  })
  const stop = new AbortController()
  const done = jobs.run(stop.signal)
  return {
    jobs,
    clock,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await done
    },
  }
}

it('says whether other Kafka clusters of a job may have a topic, and yes where that is not known', async () => {
  await using world = begin({ main: snapshot(['orders']), backup: snapshot(['ods.pay']), late: undefined })
  const may = world.jobs.mayBeElsewhere
  expect(may(['main'], 'nothing')).toBe(true)

  await pass(world.clock, 1_000)
  expect([may(['main'], 'orders'), may(['backup'], 'orders'), may(['main', 'backup'], 'ods_pay')]).toEqual([
    true,
    false,
    true,
  ])
  expect([may([], 'orders'), may(['late'], 'orders'), may(['main', 'not read here'], 'nothing')]).toEqual([
    false,
    true,
    true,
  ])
})

it('takes no process that has ended for one that lacks a reporter', async () => {
  const job: Job = {
    flinkCluster: 'prod',
    name: 'etl',
    id: '1'.repeat(32),
    state: 'RUNNING',
    startedAt: 1,
    rest: 'http://jm:8081',
    vertices: [],
    plan: [],
    takenAt: 60_000,
    unread: [],
  }
  const ended = { process: 'tm-a', host: 'h', why: 'its container has ended', hasEnded: true } as const
  const mute = { process: 'tm-b', host: 'h', why: 'nothing listens' }
  const found = { scope: 'session', flinkCluster: 'prod', reporters: [], jobs: [job] }
  const findings = async (silent: FoundScope['silent']) => {
    await using world = begin({}, { ...found, silent })
    await pass(world.clock, 80_000)
    return world.jobs.views()?.flatMap((view) => view.findings.map(({ kind, evidence }) => [kind, evidence]))
  }

  expect(await findings([ended, mute])).toContainEqual(['no_reporter', ['tm-b on h: nothing listens']])
  expect((await findings([ended]))?.filter(([kind]) => kind === 'no_reporter')).toEqual([])
})
