import { afterEach, beforeEach, expect, it } from 'vitest'
import { createNoticeFolder, type NoticeFolder } from '../../src/registry/notice-folder.ts'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { runClient } from '../contract/zookeeper-world.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'

const signal = AbortSignal.timeout(600_000)
const anybody = { sessionId: 0n, ids: new Set(['world:anyone']) }

let fake: FakeZookeeper
let client: ReturnType<typeof runClient>
let folder: NoticeFolder
let warnings: string[]

beforeEach(async () => {
  fake = await startFakeZookeeper()
  client = runClient({ connect: fake.connect, sessionTimeoutMs: 10_000 })
  warnings = []
  const logger: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) }
  folder = createNoticeFolder(client.zookeeper, logger)
})
afterEach(async () => {
  await client[Symbol.asyncDispose]()
  await fake.stop()
})

const over = (...records: number[]) => new Map(records.map((record) => [record, `id-${record}`]))
const words = (first: number, count: number) => over(...Array.from({ length: count }, (_, index) => first + index))
const children = (path: string) => (fake.data.tree.has(path) ? fake.data.tree.children(path, anybody).children : [])
const week = 7 * 24 * 3_600_000

it('adds to the notice that was begun, and what was told is read', async () => {
  expect(await folder.add('a', over(1), signal)).toEqual([1])
  expect(await folder.add('a', over(2, 3), signal)).toEqual([2, 3])

  expect(children('/notices/a')).toEqual(['notice-0000000000'])
  const read = await folder.read('a', signal)
  expect(read.over).toEqual(over(1, 2, 3))
  expect(await folder.look('a', signal)).toEqual(read.notices)
  expect((await folder.read('b', signal)).over.size).toBe(0)
})

it('begins another when the one before is full', async () => {
  let left = words(1, 5_000)
  while (left.size > 0) {
    const told = await folder.add('a', left, signal)
    left = new Map([...left].filter(([record]) => !told.includes(record)))
  }

  expect(children('/notices/a').length).toBeGreaterThan(1)
  expect((await folder.read('a', signal)).over).toEqual(words(1, 5_000))
})

it('begins another when the one before was fetched, and deletes no notice to which something was added', async () => {
  await folder.add('a', over(1), signal)
  const { notices } = await folder.read('a', signal)
  await folder.add('a', over(2), signal)

  await folder.discard(notices, signal)
  expect((await folder.read('a', signal)).over).toEqual(over(1, 2))
  await folder.discard((await folder.read('a', signal)).notices, signal)
  expect(children('/notices/a')).toEqual([])

  expect(await folder.add('a', over(3), signal)).toEqual([3])
  expect((await folder.read('a', signal)).over).toEqual(over(3))
})

it('gives up on a replica that has too many notices', async () => {
  await folder.add('a', over(1), signal)
  for (let index = 1; index < 512; index++) fake.data.create(`/notices/a/other-${index}`, '')
  const another = createNoticeFolder(client.zookeeper, { ...silentLogger, warn: (_, line) => void warnings.push(line) })

  expect(await another.add('a', over(2), signal)).toEqual([2])
  expect(await another.add('a', over(3), signal)).toEqual([3])

  expect(children('/notices/a')).toHaveLength(512)
  expect(warnings).toEqual(['Replica that is away has too many notices'])
})

it('has a name for every replica', async () => {
  await folder.add('http://a:10390/x', over(1), signal)

  expect(children('/notices')).toEqual(['http%3A%2F%2Fa%3A10390%2Fx'])
  expect(await folder.add('..', over(1), signal)).toEqual([1])
  expect(children('/notices')).toHaveLength(1)
})

it('sweeps away what nobody has fetched for long, and nothing else', async () => {
  await folder.add('a', over(1), signal)
  await folder.add('b', over(2), signal)

  await folder.sweep(Date.now() - week, signal)
  expect([children('/notices/a'), children('/notices/b')]).toEqual([['notice-0000000000'], ['notice-0000000000']])

  await folder.sweep(Date.now() + week, signal)
  expect(children('/notices')).toEqual([])
})

it('sweeps nothing before there are any', async () => {
  await folder.sweep(Date.now(), signal)

  expect(fake.data.tree.has('/notices')).toBe(false)
})
