import { expect, it } from 'vitest'
import { createFarewell } from '../../src/registry/farewell.ts'
import { fakeClock } from '../fakes/clock.ts'

const marked = { path: '/targets/a', mzxid: 7n }

/** A server that takes `answersAfterMs` for each answer, and a farewell that asks it every 250 ms. */
function farewell() {
  const clock = fakeClock()
  const server = { answersAfterMs: 0, asked: 0 }
  const said = createFarewell(clock, async () => {
    server.asked++
    if (server.answersAfterMs > 0) await clock.advance(server.answersAfterMs)
  })
  return {
    clock,
    server,
    said,
    /** Who is heard within `ms`. */
    pass: async (ms: number) => {
      const heard: string[] = []
      const end = clock.monotonic() + ms
      while (clock.monotonic() < end) {
        await clock.advance(50)
        for (const { id } of await said.heard()) heard.push(id)
      }
      return heard
    },
  }
}

it('lets a mark stand for a second, and no longer than the next question', async () => {
  const { said, pass } = farewell()
  said.say('a', marked)

  expect(await pass(950)).toEqual([])
  expect(said.isLeaving(marked.path)).toBe(true)
  expect(said.hasAny('a')).toBe(true)
  expect(await pass(550)).toEqual(['a'])
  expect(said.isLeaving(marked.path)).toBe(false)
  expect(said.hasAny('a')).toBe(false)
})

it('counts no time in which the server did not answer promptly', async () => {
  const { said, pass, server } = farewell()
  said.say('a', marked)
  expect(await pass(800)).toEqual([])

  server.answersAfterMs = 3_000
  expect(await pass(3_000)).toEqual([])
  server.answersAfterMs = 0
  expect(await pass(900)).toEqual([])
  expect(await pass(600)).toEqual(['a'])
})

it('counts no time in which nobody could be asked', async () => {
  const { clock, said, pass } = farewell()
  said.say('a', marked)
  expect(await pass(500)).toEqual([])

  await clock.advance(10_000)

  expect(await pass(900)).toEqual([])
  expect(await pass(600)).toEqual(['a'])
})

it('asks nobody while nobody leaves', async () => {
  const { said, pass, server } = farewell()

  expect(said.dueInMs()).toBe(Number.POSITIVE_INFINITY)
  await pass(2_000)

  expect(server.asked).toBe(0)
})

it('still knows an id whose other life leaves later', async () => {
  const { said, pass } = farewell()
  said.say('a', marked)
  await pass(600)
  said.say('a', { path: '/targets/b', mzxid: 8n })

  expect(await pass(800)).toEqual(['a'])

  expect(said.hasAny('a')).toBe(true)
})
