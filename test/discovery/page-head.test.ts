import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { judgeHead } from '../../src/discovery/judge-head.ts'
import { createHeadReader, isSameLabel, type PageHead } from '../../src/discovery/page-head.ts'

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/discovery/${name}.prom`, import.meta.url))
}

/** As it comes in chunks; `used` says after how many bytes the reader had enough. */
function readHead(page: Uint8Array | string, chunk = page.length, isWhole = true): { head: PageHead; used: number } {
  const bytes = Buffer.from(page)
  const reader = createHeadReader()
  let used = 0
  while (used < bytes.length) {
    const isEnough = reader.push(bytes.subarray(used, used + Math.max(1, chunk)))
    used = Math.min(bytes.length, used + Math.max(1, chunk))
    if (isEnough) break
  }
  return { head: reader.end(isWhole), used }
}

it.each([
  ['1.11.4', '24146d78267160e213eaa8319ed21b24', '24146d78267160e213eaa8319ed21b24'],
  ['1.20.5', '127_0_0_1:20130_3771c3', '127.0.0.1:20130-3771c3'],
  ['2.2.1', '127_0_0_1:20130_6d275e', '127.0.0.1:20130-6d275e'],
])('knows the TaskManager of Flink %s by the first lines of its page', (version, shown, id) => {
  const { head, used } = readHead(fixture(`taskmanager-${version}`), 100)

  expect(head).toEqual({ kind: 'taskmanager', tmId: shown })
  expect(used).toBeLessThan(1_500)
  expect(judgeHead({ kind: 'taskmanager', tmId: id }, head)).toBe('same')
  expect(judgeHead({ kind: 'taskmanager', tmId: `${id.slice(0, -1)}0` }, head)).toBe('other')
})

it.each([
  ['1.11.4', 6],
  ['1.20.5', 6],
  ['2.2.1', 5],
])('knows the JobManager of Flink %s by its jobs and the number of its TaskManagers', (version, jobs) => {
  const { head } = readHead(fixture(`jobmanager-${version}`), 333)

  expect(head).toMatchObject({ kind: 'jobmanager', taskManagers: 2 })
  const named = head.kind === 'jobmanager' ? head.jobs : []
  expect(named).toHaveLength(jobs)
  expect(named.map(({ name }) => name)).toContain('orders_etl_v1')
  const [first] = named
  const wanted = { kind: 'jobmanager', taskManagers: 9, mayBeStandby: false } as const
  expect(judgeHead({ ...wanted, jobs: [{ id: first!.id, name: 'x' }] }, head)).toBe('same')
  expect(judgeHead({ ...wanted, jobs: [{ id: 'f'.repeat(32), name: first!.name }] }, head)).toBe('other')
  expect(judgeHead({ ...wanted, jobs: [] }, head)).toBe('other')
})

it('stops reading the page of a JobManager when a family has named all its jobs', () => {
  const page = Buffer.concat([fixture('jobmanager-1.20.5'), Buffer.from('x 1\n'.repeat(100_000))])

  expect(readHead(page, 256).used).toBeLessThan(4_000)
})

it.each([
  ['', 'stranger'],
  ['go_goroutines 7\n', 'stranger'],
  ['# HELP flink_jobmanager_x tm_id="a"\n', 'stranger'],
  ['flink_jobmanager_numRegisteredTaskManagers{host="a",} NaN\n', 'jobmanager'],
  ['flink_taskmanager_x{tm_id="a",} 1', 'taskmanager'],
  [`a{b="${'c'.repeat(100_000)}",tm_id="x"} 1\nflink_taskmanager_x{host="h",tm_id="y",} 1\n`, 'taskmanager'],
  ['<html>tm_id="a"</html>', 'stranger'],
])('takes %j for a %s', (page, kind) => {
  expect(readHead(page, 1_000).head.kind).toBe(kind)
})

it('does not believe a line that was cut off', () => {
  expect(readHead('flink_taskmanager_x{tm_id="abc",', 1_000, false).head.kind).toBe('stranger')
})

it('tells JobManagers with the id that all have apart by their names', () => {
  const zero = '0'.repeat(32)
  const head: PageHead = { kind: 'jobmanager', jobs: [{ id: zero, name: 'a_b' }], taskManagers: 1 }
  const wanted = { kind: 'jobmanager', taskManagers: 1, mayBeStandby: false } as const

  expect(judgeHead({ ...wanted, jobs: [{ id: zero, name: 'a.b' }] }, head)).toBe('maybe')
  expect(judgeHead({ ...wanted, jobs: [{ id: zero, name: 'a.c' }] }, head)).toBe('other')
})

it('compares labels behind the filter, whichever of them has been through it', () => {
  expect(isSameLabel('127.0.0.1:1-ab', '127_0_0_1:1_ab')).toBe(true)
  expect(isSameLabel('127.0.0.1:1-ab', '127.0.0.1:1-ab')).toBe(true)
  expect(isSameLabel('127.0.0.1:1-ab', '127.0.0.1:2-ab')).toBe(false)
})

it('says the same however the page is cut into pieces, and never throws', () => {
  const pages = ['taskmanager-1.20.5', 'jobmanager-1.20.5', 'jobmanager-2.2.1'].map(fixture)
  fc.assert(
    fc.property(fc.constantFrom(...pages), fc.integer({ min: 1, max: 4_000 }), (page, chunk) => {
      expect(readHead(page, chunk).head).toEqual(readHead(page).head)
    }),
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => void readHead(bytes, 7)))
})
