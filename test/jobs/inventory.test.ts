import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Inventory, type InventoryRules, inventoryKey, takeInventory } from '../../src/jobs/inventory.ts'
import type { Job } from '../../src/model/job.ts'
import { fakeApplication, fakeJob, fakeRules, inSteps, NOW } from './fakes.ts'

const HOUR = 3_600_000
const id = (digit: string) => digit.repeat(32)

const take = (...input: Parameters<typeof takeInventory>): Inventory => inSteps(takeInventory(...input)).value

/** What an inventory says: `label: present expected restarts job`. */
function said(inventory: Inventory): readonly string[] {
  return [...inventory.values()]
    .map(
      ({ label, present, expectedRunning, restarts, job }) =>
        `${label}: ${present ?? '?'} ${expectedRunning ? 'expected' : '-'} ${restarts?.total ?? '?'} ${job?.id[0] ?? ''}`,
    )
    .sort()
}

/** Looks one after another, each `[now, jobs]`. */
function after(rules: Partial<InventoryRules>, ...looks: readonly (readonly [number, readonly Job[]])[]): Inventory {
  return looks.reduce<Inventory>(
    (before, [now, jobs]) =>
      take(
        jobs.map((job) => ({ ...job, takenAt: now })),
        before,
        now,
        fakeRules(rules),
      ),
    new Map(),
  )
}

describe('takeInventory()', () => {
  it('knows a job by its name', () => {
    expect(said(after({}, [0, [fakeJob({ id: id('a'), restarts: 3 })]]))).toEqual(['orders: true expected 3 a'])
  })

  it('keeps a job that is gone without a word: it is not there, and missed', () => {
    const looks = [
      [0, [fakeJob({ id: id('a') })]],
      [10, []],
    ] as const

    expect(said(after({}, ...looks))).toEqual(['orders: false expected ? a'])
    expect(said(after({}, ...looks, [24 * HOUR, []]))).toEqual(['orders: false expected ? a'])
    expect(said(after({}, ...looks, [24 * HOUR + 1, []]))).toEqual([])
  })

  it.each(['FINISHED', 'CANCELED', 'CANCELLING'])('does not miss a job that was last seen %s', (state) => {
    const looks = [
      [0, [fakeJob({ id: id('a') })]],
      [10, [fakeJob({ id: id('a'), state })]],
      [20, []],
    ] as const

    expect(said(after({}, ...looks))).toEqual(['orders: false - ? a'])
  })

  it('misses a job that failed, while it is listed and after', () => {
    const failed = fakeJob({ id: id('a'), state: 'FAILED' })

    expect(said(after({}, [0, [failed]]))).toEqual(['orders: false expected ? a'])
    expect(said(after({}, [0, [failed]], [10, []]))).toEqual(['orders: false expected ? a'])
  })

  it('does not miss a job of a Flink cluster that is not configured any more', () => {
    const looks = [0, [fakeJob(), fakeJob({ flinkCluster: 'test' })]] as const
    const isConfigured = (flinkCluster: string): boolean => flinkCluster === 'prod'
    const before = after({}, looks)
    const inventory = take([], before, 10, fakeRules({ isConfigured }))

    expect([...inventory.values()].map(({ flinkCluster }) => flinkCluster)).toEqual(['prod'])
  })

  it('does what the configuration says of it instead', () => {
    const gone = [
      [0, [fakeJob({ id: id('a') })]],
      [10, []],
    ] as const
    const finished = [[0, [fakeJob({ id: id('a'), state: 'FINISHED' })]]] as const

    expect(said(after({ expects: () => false }, ...gone))).toEqual(['orders: false - ? a'])
    expect(said(after({ expects: () => true }, ...finished))).toEqual(['orders: false expected ? a'])
  })

  it('knows a job that is named before it was ever seen, and for ever', () => {
    const named = [{ flinkCluster: 'prod', name: 'orders' }]

    expect(said(after({ named }, [0, []]))).toEqual(['orders: false expected ? '])
    expect(said(after({ named, isRead: () => false }, [0, []]))).toEqual(['orders: ? expected ? '])
    expect(said(after({ named }, [0, [fakeJob({ id: id('a') })]], [1000 * HOUR, []]))).toEqual([
      'orders: false expected ? a',
    ])
  })

  it('says nothing of a job whose JobManager is silent', () => {
    const job = fakeJob({ id: id('a'), takenAt: 0 })
    const inventory = take([job], new Map(), 90_001, fakeRules())

    expect(said(inventory)).toEqual(['orders: ? expected ? a'])
  })

  it('goes on with the next run of the same name: another job id, attempt or application', () => {
    const first = fakeJob({ id: id('a'), application: fakeApplication(1), restarts: 2 })
    const attempt = fakeJob({ id: id('b'), application: fakeApplication(1, 2), startedAt: NOW, restarts: 0 })
    const other = fakeJob({ id: id('c'), application: fakeApplication(2), startedAt: NOW + 1, restarts: 4 })

    expect(said(after({}, [0, [first]], [10, [attempt]]))).toEqual(['orders: true expected 3 b'])
    expect(said(after({}, [0, [first]], [10, []], [20, [attempt]], [30, [other]]))).toEqual([
      'orders: true expected 8 c',
    ])
  })

  it('gives the name to the newest of two that run, and tells both', () => {
    const old = fakeJob({ id: id('a'), application: fakeApplication(1), startedAt: NOW - 9 })
    const young = fakeJob({ id: id('b'), application: fakeApplication(2), startedAt: NOW })
    const inventory = after({}, [0, [old, young]])

    expect(said(inventory)).toEqual([
      'orders: true expected ? b',
      'orders@application_1700000000000_0001: true expected ? a',
    ])
    expect(inventory.get(inventoryKey('prod', 'orders'))?.namesakes).toEqual(['orders@application_1700000000000_0001'])
    expect(inventory.get(inventoryKey('prod', 'orders@application_1700000000000_0001'))?.namesakes).toEqual(['orders'])
  })

  it('uses the job id without YARN, and forgets the made label with its job', () => {
    const [old, young] = [fakeJob({ id: id('a') }), fakeJob({ id: id('b'), startedAt: NOW })]

    expect(said(after({}, [0, [old, young]]))).toEqual([
      'orders: true expected ? b',
      'orders@aaaaaaaa: true expected ? a',
    ])
    expect(said(after({}, [0, [old, young]], [10, [young]]))).toEqual(['orders: true expected ? b'])
    expect(said(after({}, [0, [old, young]], [10, [old]]))).toEqual(['orders: true expected 1 a'])
  })

  it('takes no run that ended for a namesake, nor one whose JobManager is silent', () => {
    const ended = fakeJob({ id: id('a'), state: 'CANCELED', startedAt: NOW + 5 })
    const silent = fakeJob({ id: id('c'), startedAt: NOW + 9, takenAt: 0 })
    const running = fakeJob({ id: id('b'), takenAt: 100_000 })

    expect(said(take([ended, silent, running], new Map(), 100_000, fakeRules()))).toEqual(['orders: true expected ? b'])
  })

  it('has names apart by Flink cluster', () => {
    const inventory = after({}, [0, [fakeJob(), fakeJob({ flinkCluster: 'test' })]])

    expect([...inventory.values()].map(({ flinkCluster, label }) => [flinkCluster, label])).toEqual([
      ['prod', 'orders'],
      ['test', 'orders'],
    ])
  })

  it('keeps no more jobs that are gone than it may, the last seen of them', () => {
    const jobs = Array.from({ length: 50 }, (_, number) => fakeJob({ name: `job ${number}`, id: id('a') }))
    const looks = jobs.map((job, index) => [index, [job]] as const)

    expect(said(after({ mostGone: 2 }, ...looks, [60, []])).map((line) => line.split(':')[0])).toEqual([
      'job 48',
      'job 49',
    ])
  })

  const names = fc.oneof(
    fc.constantFrom(
      'a',
      'b',
      '',
      'a@11111111',
      'a@application_1700000000000_0001',
      '\ud800',
      '\ud801',
      'x'.repeat(10_000),
    ),
    fc.string({ unit: 'binary' }),
  )
  const someJobs = fc.array(
    fc.record({
      name: names,
      id: fc.constantFrom(id('1'), id('2'), id('0')),
      startedAt: fc.nat(3),
      application: fc.option(fc.nat(2).map((number) => fakeApplication(number))),
      state: fc.constantFrom('RUNNING', 'FINISHED', 'RESTARTING'),
    }),
    { maxLength: 15 },
  )

  it('gives every label once, none longer than it may be, whatever the names', () => {
    fc.assert(
      fc.property(fc.array(someJobs, { maxLength: 4 }), (looks) => {
        let inventory: Inventory = new Map()
        for (const [now, jobs] of looks.entries()) {
          const made = jobs.map(({ application, ...job }) =>
            fakeJob({ ...job, takenAt: now, ...(application === null ? {} : { application }) }),
          )
          const before = inventory
          inventory = take(made, before, now, fakeRules())
          const labels = [...inventory.values()].map(({ label }) => label)
          const running = made.filter(({ state }) => state !== 'FINISHED')

          expect(new Set(labels).size).toBe(labels.length)
          for (const label of labels) {
            expect(label.length).toBeGreaterThan(0)
            expect(label.length).toBeLessThan(300)
            expect(label).not.toMatch(/\p{Cs}/u)
          }
          // Everything that runs has an entry of its own, and nothing that has no end is missing afterwards.
          expect([...inventory.values()].filter(({ present }) => present).map(({ job }) => job)).toHaveLength(
            running.length,
          )
          for (const [key, { restarts }] of inventory)
            expect(restarts?.total ?? 0).toBeGreaterThanOrEqual(before.get(key)?.restarts?.total ?? 0)
        }
      }),
    )
  })

  it('does not depend on the order in which jobs are listed', () => {
    fc.assert(
      fc.property(someJobs, (jobs) => {
        const made = jobs.map(({ application, ...job }, index) =>
          fakeJob({ ...job, startedAt: index, ...(application === null ? {} : { application }) }),
        )
        const listed = (list: readonly Job[]) => said(take(list, new Map(), 0, fakeRules()))
        // Two jobs that are the same in all that tells them apart may change places.
        fc.pre(
          new Set(made.map(({ name }) => name.replace(/\p{Cs}/gu, '?'))).size ===
            new Set(made.map(({ name }) => name)).size,
        )

        expect(listed(made.toReversed())).toEqual(listed(made))
      }),
    )
  })

  it('takes short steps with 10,000 jobs, as many that are gone, and names of 10 kB', () => {
    const list = (from: number) =>
      Array.from({ length: 10_000 }, (_, number) =>
        fakeJob({ name: `${from + number} ${'x'.repeat(number % 100 === 0 ? 10_000 : 40)}` }),
      )
    const before = take(list(0), new Map(), 0, fakeRules())

    // Time is for the benchmark to judge: a step looks at 256 jobs.
    expect(inSteps(takeInventory(list(10_000), before, 1, fakeRules())).steps).toBeGreaterThan(150)
  })
})
