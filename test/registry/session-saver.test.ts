import { expect, it } from 'vitest'
import { createSessionSaver } from '../../src/registry/session-saver.ts'
import type { SessionCredentials } from '../../src/zookeeper/state.ts'

const session = (id: bigint): SessionCredentials => ({ id, password: Buffer.alloc(16), timeoutMs: 10_000 })

/** A disk that is as slow as the test wants. */
function slowDisk() {
  const files: string[] = []
  const waiting: (() => void)[] = []
  return {
    files,
    write: (sessions: readonly SessionCredentials[]) =>
      new Promise<void>((resolve) => {
        waiting.push(() => {
          files.push(sessions.map(({ id }) => id).join(' '))
          resolve()
        })
      }),
    finish: async () => {
      waiting.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

it('does not have a session before it is written', async () => {
  const disk = slowDisk()
  const saver = createSessionSaver(disk.write, [], () => [session(1n)])

  const saved = saver.save()
  await new Promise((resolve) => setImmediate(resolve))
  expect(saver.has(session(1n))).toBe(false)
  await disk.finish()
  await saved

  expect(saver.has(session(1n))).toBe(true)
  expect(saver.has(undefined)).toBe(false)
})

it('writes sessions that come while a file is being written once, together', async () => {
  const disk = slowDisk()
  const sessions = [session(1n)]
  const saver = createSessionSaver(disk.write, [], () => [...sessions])

  void saver.save()
  await new Promise((resolve) => setImmediate(resolve))
  for (const id of [2n, 3n, 4n]) {
    sessions.push(session(id))
    void saver.save()
  }
  await disk.finish()
  await disk.finish()
  await saver.done()

  expect(disk.files).toEqual(['1', '1 2 3 4'])
})

it('writes nothing when all sessions are those of the process before', async () => {
  const disk = slowDisk()
  const saver = createSessionSaver(disk.write, [session(1n), session(2n)], () => [session(2n), session(1n)])

  expect(saver.has(session(2n))).toBe(true)
  await saver.save()

  expect(disk.files).toEqual([])
})
