import { afterEach, expect, it } from 'vitest'
import { createDirectories, type Directories } from '../../src/positions/zookeeper-directories.ts'
import { errorCodes } from '../../src/zookeeper/errors.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { runClient } from '../contract/zookeeper-world.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'

const signal = new AbortController().signal
const open: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** A fake of 3.4, where each read is a request of its own, with `/d` and two names in it. */
async function start(): Promise<{ server: FakeZookeeper; directories: Directories }> {
  const server = await startFakeZookeeper({ version: '3.4' })
  for (const path of ['/d', '/d/a', '/d/b']) server.data.create(path, '')
  const client = runClient({ connect: server.connect, sessionTimeoutMs: 6_000 })
  open.push(server.stop, client.stop)
  return { server, directories: createDirectories(client.zookeeper) }
}

function namesIn(directories: Directories, path: string): Promise<readonly string[] | undefined> {
  return directories.look(signal, async ({ children }) => (await children([path])).get(path))
}

function lists(server: FakeZookeeper): number {
  return server.requests.filter(({ opcode }) => opcode === opcodes.getChildren2).length
}

it('a directory is listed again only when its names have changed', async () => {
  const { server, directories } = await start()
  expect(await namesIn(directories, '/d')).toEqual(['a', 'b'])
  server.data.write('/d/a', 'data')
  expect(await namesIn(directories, '/d')).toEqual(['a', 'b'])
  expect(lists(server)).toBe(1)

  server.data.remove('/d/b')
  server.data.create('/d/c', '')

  expect(await namesIn(directories, '/d')).toEqual(['a', 'c'])
  expect(lists(server)).toBe(2)
})

it('a directory that was made anew is listed anew', async () => {
  const { server, directories } = await start()
  await namesIn(directories, '/d')
  for (const path of ['/d/a', '/d/b', '/d']) server.data.remove(path)
  for (const path of ['/d', '/d/x', '/d/y']) server.data.create(path, '')

  expect(await namesIn(directories, '/d')).toEqual(['x', 'y'])
})

it('a directory that does not exist has no names, and one that is gone loses them', async () => {
  const { server, directories } = await start()
  expect(await namesIn(directories, '/nothing')).toBeUndefined()
  await namesIn(directories, '/d')
  for (const path of ['/d/a', '/d/b', '/d']) server.data.remove(path)

  expect(await namesIn(directories, '/d')).toBeUndefined()
})

it('a look that was cut short has not been in vain', async () => {
  const { server, directories } = await start()
  const cut = directories.look(signal, async ({ children }) => {
    await children(['/d'])
    throw new Error('cut')
  })
  await expect(cut).rejects.toThrow('cut')

  expect(await namesIn(directories, '/d')).toEqual(['a', 'b'])
  expect(lists(server)).toBe(1)
})

it('a directory that cannot be listed any more keeps the names that were seen last, and says why', async () => {
  const { server, directories } = await start()
  await namesIn(directories, '/d')
  server.data.create('/d/c', '')
  server.onRequest = ({ opcode }) =>
    opcode === opcodes.getChildren2 ? { kind: 'error', code: errorCodes.NO_AUTH } : undefined

  const look = (path: string) =>
    directories.look(signal, async ({ children, unreadable, whyUnseen }) => [
      (await children([path])).get(path),
      unreadable.get(path),
      whyUnseen(path),
    ])

  expect(await look('/d')).toEqual([['a', 'b'], 'NO_AUTH', undefined])
  expect(await look('/')).toEqual([undefined, 'NO_AUTH', 'NO_AUTH'])
})
