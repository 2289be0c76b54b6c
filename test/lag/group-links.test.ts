import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupsIn } from '../../src/lag/group-commits.ts'
import { createGroupLinks, type GroupLinks } from '../../src/lag/group-links.ts'
import type { JobCommits } from '../../src/model/job-commits.ts'
import { fakeBatch } from '../fakes/columns.ts'

type Offsets = Readonly<Record<number, number>>

/** A page of a job at one moment, and what groups had committed a little later. */
interface Moment {
  /** By job and topic; with `job/operator` for one of several operators. */
  readonly jobs: Readonly<Record<string, Readonly<Record<string, Offsets>>>>
  readonly groups: Readonly<Record<string, Readonly<Record<string, Offsets>>>>
}

interface World {
  readonly members?: Readonly<Record<string, number | undefined>>
  readonly configured?: Readonly<Record<string, string>>
  readonly stopped?: readonly string[]
}

function jobsAt({ jobs }: Moment, at: number, { configured = {}, stopped = [] }: World): readonly JobCommits[] {
  const names = new Set(Object.keys(jobs).map((key) => key.split('/')[0]!))
  return [...names].map((consumer) => ({
    consumer,
    jobId: `id of ${consumer}`,
    ...(configured[consumer] === undefined ? {} : { group: configured[consumer] }),
    isRunning: !stopped.includes(consumer),
    isComplete: true,
    operators: Object.entries(jobs)
      .filter(([key]) => key.split('/')[0] === consumer)
      .map(([operatorId, topics]) => ({
        operatorId,
        offsets: Object.entries(topics).flatMap(([topic, offsets]) =>
          Object.entries(offsets).map(([partition, offset]) => ({
            topics: topic.split('|'),
            partition: Number(partition),
            offset,
            sentAt: at,
            takenAt: at + 1,
          })),
        ),
      })),
  }))
}

function run<T>(steps: Generator<void, T, void>): T {
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}

/** One cycle at `at`: the pages of just then, and commits as they were read a little later. */
function cycle(links: GroupLinks, moment: Moment, at: number, world: World = {}): ReadonlyMap<string, string> {
  const jobs = jobsAt(moment, at, world)
  const positions = Object.fromEntries(
    Object.entries(moment.groups).map(([group, topics]) => [
      group,
      Object.fromEntries(
        Object.entries(topics).map(([topic, offsets]) => [
          topic,
          Object.fromEntries(Object.entries(offsets).map(([partition, offset]) => [partition, BigInt(offset)])),
        ]),
      ),
    ]),
  )
  // Asked for after the pages had arrived.
  const batch = fakeBatch(positions, at + 5)
  const consumers = batch.consumers.map((consumer) => {
    const { [consumer.name]: members = 0 } = world.members ?? {}
    return members === Number.POSITIVE_INFINITY ? consumer : { ...consumer, members }
  })
  const topics = new Set(
    jobs.flatMap(({ operators }) => operators.flatMap(({ offsets }) => offsets.flatMap((one) => one.topics))),
  )
  const owners = links.owners()
  const groups = run(groupsIn([{ ...batch, consumers }], topics, (group) => owners.has(group)))
  run(links.update(groups, jobs, at + 10))
  return links.owners()
}

const UNKNOWN = Number.POSITIVE_INFINITY

function cycles(moments: readonly Moment[], world: World = {}): Record<string, string> {
  const links = createGroupLinks([], 0)
  for (const [index, moment] of moments.entries()) cycle(links, moment, (index + 1) * 15_000, world)
  return Object.fromEntries(links.owners())
}

const same = (offset: number): Moment => ({ jobs: { etl: { t: { 0: offset } } }, groups: { g: { t: { 0: offset } } } })

describe('the group of a job', () => {
  it('is the only one whose commits equal its gauges on two pages', () => {
    expect(cycles([same(10)])).toEqual({})
    expect(cycles([same(10), same(10)])).toEqual({ g: 'etl' })
    expect(cycles([same(10), same(25)])).toEqual({ g: 'etl' })
  })

  it('is not found by one page that is looked at twice', () => {
    const links = createGroupLinks([], 0)
    cycle(links, same(10), 1_000)
    const jobs = jobsAt(same(10), 1_000, {})
    const groups = run(groupsIn([fakeBatch({ g: { t: { 0: 10n } } }, 2_000)], new Set(['t']), () => false))
    run(links.update(groups, jobs, 2_000))

    expect(links.owners().size).toBe(0)
  })

  it('needs a commit: nothing was read when all is 0', () => {
    expect(cycles([same(0), same(0), same(0)])).toEqual({})
  })

  it.each<[string, Moment, World?]>([
    ['two groups that fit', { jobs: { etl: { t: { 0: 5 } } }, groups: { g: { t: { 0: 5 } }, h: { t: { 0: 5 } } } }],
    ['two jobs that fit', { jobs: { etl: { t: { 0: 5 } }, b: { t: { 0: 5 } } }, groups: { g: { t: { 0: 5 } } } }],
    ['another offset', { jobs: { etl: { t: { 0: 5 } } }, groups: { g: { t: { 0: 4 } } } }],
    ['one partition of several', { jobs: { etl: { t: { 0: 5, 1: 7 } } }, groups: { g: { t: { 0: 5, 1: 6 } } } }],
    ['a partition that the group lacks', { jobs: { etl: { t: { 0: 5, 1: 7 } } }, groups: { g: { t: { 0: 5 } } } }],
    ['another topic', { jobs: { etl: { t: { 0: 5 } } }, groups: { g: { u: { 0: 5 } } } }],
    ['members', same(5), { members: { g: 1 } }],
    ['members that are not known', same(5), { members: { g: UNKNOWN } }],
    [
      'a second group of which the members are not known',
      { jobs: { etl: { t: { 0: 5 } } }, groups: { g: { t: { 0: 5 } }, h: { t: { 0: 5 } } } },
      { members: { h: UNKNOWN } },
    ],
    [
      'two jobs that are configured to have it',
      { ...same(5), jobs: { etl: {}, b: {} } },
      { configured: { etl: 'g', b: 'g' } },
    ],
  ])('is nobody: %s', (_, moment, world = {}) => {
    expect(cycles([moment, moment, moment, moment, moment], world)).toEqual({})
  })

  it('may have committed on more than the job shows', () => {
    const moment: Moment = { jobs: { etl: { t: { 0: 5 } } }, groups: { g: { t: { 0: 5, 1: 3 }, u: { 0: 1 } } } }

    expect(cycles([moment, moment])).toEqual({ g: 'etl' })
  })

  it('is the configured one, whatever the commits say', () => {
    const moment: Moment = { jobs: { etl: { t: { 0: 5 } } }, groups: { g: { t: { 0: 5 } }, h: { t: { 0: 1 } } } }

    expect(cycles([moment, moment, moment], { configured: { etl: 'h' } })).toEqual({ h: 'etl' })
    expect(cycles([moment], { configured: { etl: 'h' }, members: { h: 1 } })).toEqual({})
    expect(cycles([moment], { configured: { etl: '' } })).toEqual({ '(empty)': 'etl' })
  })

  it('is found by what happened between two cycles when it commits more often than pages are read', () => {
    // Each page shows what was committed a moment before, and the group is further already when it is asked.
    const moments = [1, 2, 3, 4, 5].map(
      (at): Moment => ({
        jobs: { etl: { t: { 0: at * 1000 } }, slow: { t: { 0: at < 4 ? 500 : 3500 } } },
        groups: { g: { t: { 0: at * 1000 + 200 } }, h: { t: { 0: at < 4 ? 500 : 3500 } }, old: { t: { 0: 12 } } },
      }),
    )

    expect(cycles(moments.slice(0, 4))).toEqual({ h: 'slow' })
    expect(cycles(moments)).toEqual({ g: 'etl', h: 'slow' })
  })

  it('is found among groups of jobs that read and commit alike, by offsets that are equal again and again', () => {
    // Each group may be of each job before it: its commits lie around the gauges. Only its own are equal to them.
    const moments = [1, 2, 3, 4, 5].map(
      (at): Moment => ({
        jobs: { a: { t: { 0: at * 100, 1: at * 90 } }, b: { t: { 0: at * 100 + 7, 1: at * 90 + 3 } } },
        groups: { g: { t: { 0: at * 100, 1: at * 90 } }, h: { t: { 0: at * 100 + 7, 1: at * 90 + 3 } } },
      }),
    )

    expect(cycles(moments.slice(0, 2))).toEqual({})
    expect(cycles(moments)).toEqual({ g: 'a', h: 'b' })
    expect(cycles([moments[0]!, moments[0]!, moments[0]!, moments[0]!, moments[0]!])).toEqual({ g: 'a', h: 'b' })
  })

  it('can be several, one for each operator', () => {
    const moment: Moment = {
      jobs: { 'etl/a': { t: { 0: 5 } }, 'etl/b': { u: { 0: 9 } } },
      groups: { g: { t: { 0: 5 } }, h: { u: { 0: 9 } } },
    }

    expect(cycles([moment, moment])).toEqual({ g: 'etl', h: 'etl' })
  })

  it('is of the job when two of its operators commit to it', () => {
    const moment: Moment = {
      jobs: { 'etl/a': { t: { 0: 5 } }, 'etl/b': { t: { 0: 5 } } },
      groups: { g: { t: { 0: 5 } } },
    }

    expect(cycles([moment, moment])).toEqual({ g: 'etl' })
  })

  it('is found although the name on the page may be of two topics', () => {
    const moment: Moment = { jobs: { etl: { 't.a|t_a': { 0: 5 } } }, groups: { g: { 't.a': { 0: 5 } } } }

    expect(cycles([moment, moment])).toEqual({ g: 'etl' })
  })

  it('stays through times in which job or group are not to be seen', () => {
    const nothing: Moment = { jobs: {}, groups: { g: { t: { 0: 99 } } } }
    const noGroup: Moment = { jobs: { etl: { t: { 0: 99 } } }, groups: {} }

    expect(
      cycles([same(10), same(20), nothing, nothing, nothing, nothing, noGroup, noGroup, noGroup, noGroup]),
    ).toEqual({
      g: 'etl',
    })
  })

  it('stays when another one comes to fit, or another job', () => {
    const tie: Moment = {
      jobs: { etl: { t: { 0: 30 } }, b: { t: { 0: 30 } } },
      groups: { g: { t: { 0: 30 } }, h: { t: { 0: 30 } } },
    }

    // The newcomer cannot have what is taken, and so has the other one.
    expect(cycles([same(10), same(20), tie, tie, tie])).toEqual({ g: 'etl', h: 'b' })
  })

  it('ends when three pages in a row contradict it, and not before', () => {
    const wrong: Moment = { jobs: { etl: { t: { 0: 500 } } }, groups: { g: { t: { 0: 20 } } } }

    expect(cycles([same(10), same(20), wrong, wrong])).toEqual({ g: 'etl' })
    expect(cycles([same(10), same(20), wrong, wrong, same(500), wrong, wrong])).toEqual({ g: 'etl' })
    expect(cycles([same(10), same(20), wrong, wrong, wrong])).toEqual({})
  })

  it('ends when somebody else commits to it', () => {
    const theirs = [300, 400, 500, 600].map(
      (at): Moment => ({ jobs: { etl: { t: { 0: 20 } } }, groups: { g: { t: { 0: at } } } }),
    )

    expect(cycles([same(10), same(20), ...theirs])).toEqual({})
  })

  it('ends at once when the group gets members', () => {
    const links = createGroupLinks([{ group: 'g', consumer: 'etl' }], 0)
    expect(Object.fromEntries(cycle(links, same(10), 1_000))).toEqual({ g: 'etl' })
    expect(Object.fromEntries(cycle(links, same(10), 2_000, { members: { g: 2 } }))).toEqual({})
  })

  it('goes to another job that has it now, when the former one does not run', () => {
    const renamed: Moment = { jobs: { etl2: { t: { 0: 30 } } }, groups: { g: { t: { 0: 30 } } } }

    expect(cycles([same(10), same(20), renamed, renamed])).toEqual({ g: 'etl2' })
  })

  it('stays with its run when another run of the same name takes that name', () => {
    const links = createGroupLinks([], 0)
    cycle(links, same(10), 1_000)
    cycle(links, same(20), 2_000)
    const of = (consumer: string, jobId: string, applicationId: string): JobCommits => ({
      consumer,
      jobId,
      applicationId,
      isRunning: true,
      isComplete: true,
      operators: [],
    })
    const groups = run(groupsIn([fakeBatch({ g: { t: { 0: 20n } } }, 3_000)], new Set(['t']), () => true))
    // With high availability both have this id.
    run(links.update(groups, [of('etl', '0', 'app1')], 3_000))
    expect(Object.fromEntries(links.owners())).toEqual({ g: 'etl' })

    run(links.update(groups, [of('etl', '0', 'app2'), of('etl@app1', '0', 'app1')], 4_000))
    expect(Object.fromEntries(links.owners())).toEqual({ g: 'etl@app1' })

    run(links.update(groups, [of('etl', '0', 'app1')], 5_000))
    expect(Object.fromEntries(links.owners())).toEqual({ g: 'etl' })
    run(links.update(groups, [of('etl', 'next', 'app3')], 6_000))
    expect(Object.fromEntries(links.owners())).toEqual({ g: 'etl' })
  })

  it('ends when nobody looks at the Flink cluster of its job any more', () => {
    const links = createGroupLinks([{ group: 'g', consumer: 'dev/etl' }], 0)
    const groups = run(groupsIn([fakeBatch({ g: { t: { 0: 20n } } }, 1_000)], new Set(['t']), () => true))
    run(links.update(groups, [], 1_000, (consumer) => consumer.startsWith('dev/')))
    expect(links.owners().size).toBe(1)

    run(links.update(groups, [], 2_000, (consumer) => consumer.startsWith('prod/')))
    expect([links.owners().size, links.learned()]).toEqual([0, []])
  })

  it('is forgotten a day after it was there last', () => {
    const links = createGroupLinks([{ group: 'g', consumer: 'etl' }], 0)
    const gone: Moment = { jobs: {}, groups: {} }
    expect(cycle(links, gone, 24 * 3_600_000 - 100).size).toBe(1)
    expect(cycle(links, gone, 24 * 3_600_000 + 100).size).toBe(0)
    expect(links.learned()).toEqual([])
  })

  it('is the right one or none, in whatever order things come, while jobs and groups move as they like', () => {
    const step = fc.record({ read: fc.nat(50), commits: fc.boolean() })
    let found = 0
    const histories = fc.array(fc.array(step, { minLength: 3, maxLength: 3 }), { minLength: 2, maxLength: 25 })
    fc.assert(
      fc.property(histories, fc.boolean(), (history, isReversed) => {
        // Three jobs read one topic; g0 to g2 are theirs, and g3 is a copy that somebody left.
        const gauge = [0, 0, 0]
        const position = [0, 0, 0]
        const moments = history.map((steps): Moment => {
          // A page is of a moment before: it may know less than Kafka does.
          const shown = [...gauge]
          for (const [job, { read, commits }] of steps.entries()) {
            position[job] = position[job]! + read
            if (commits) gauge[job] = position[job]!
          }
          const jobs = shown.flatMap((offset, job) =>
            offset > 0 ? [[`job${job}`, { t: { 0: offset } }] as const] : [],
          )
          const groups = gauge.flatMap((offset, job) =>
            offset > 0 ? [[`g${job}`, { t: { 0: offset } }] as const] : [],
          )
          const all = [...groups, ['g3', { t: { 0: 60 } }] as const]
          return {
            jobs: Object.fromEntries(isReversed ? jobs.toReversed() : jobs),
            groups: Object.fromEntries(isReversed ? all.toReversed() : all),
          }
        })
        const links = createGroupLinks([], 0)
        for (const [index, moment] of moments.entries())
          for (const [group, job] of cycle(links, moment, (index + 1) * 15_000)) {
            expect(group.slice(1)).toBe(job.slice(3))
            found++
          }
      }),
      { numRuns: 500 },
    )
    expect(found).toBeGreaterThan(500)
  })

  it('does not depend on the order of jobs and groups', () => {
    const offsets = fc.record({ 0: fc.integer({ min: 1, max: 4 }), 1: fc.integer({ min: 1, max: 4 }) })
    fc.assert(
      fc.property(fc.array(offsets, { maxLength: 6 }), fc.array(offsets, { maxLength: 6 }), (jobs, groups) => {
        const moment = (turn: <T>(list: T[]) => T[]): Moment => ({
          jobs: Object.fromEntries(turn(jobs.map((of, index) => [`job${index}`, { t: of }] as const))),
          groups: Object.fromEntries(turn(groups.map((of, index) => [`g${index}`, { t: of }] as const))),
        })
        const forth = cycles([moment((list) => list), moment((list) => list)])
        const back = cycles([moment((list) => list.toReversed()), moment((list) => list.toReversed())])
        expect(back).toEqual(forth)
        const key = (of: object): string => JSON.stringify(of)
        for (const [group, job] of Object.entries(forth)) {
          const its = key(groups[Number(group.slice(1))]!)
          expect(key(jobs[Number(job.slice(3))]!)).toBe(its)
          expect(groups.filter((of) => key(of) === its)).toHaveLength(1)
          expect(jobs.filter((of) => key(of) === its)).toHaveLength(1)
        }
      }),
    )
  })
})
