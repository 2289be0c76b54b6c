import { expect, it } from 'vitest'
import { createIdentityBook, type IdentityBook } from '../../src/registry/identity-book.ts'
import type { ProbeResult } from '../../src/targets/process-identity.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { registration, registrations } from '../targets/samples.ts'

interface World {
  readonly book: IdentityBook
  readonly clock: FakeClock
  /** `id known` of each look. */
  readonly asked: readonly string[]
  answer: ProbeResult
  /** Looks begin, and end when told. */
  hold(): () => void
}

async function withBook(use: (world: World) => Promise<void>): Promise<void> {
  const clock = fakeClock()
  const asked: string[] = []
  let gate: Promise<void> = Promise.resolve()
  const world: World = {
    clock,
    asked,
    answer: { verdict: 'unverified', identity: 'tm_id=a', why: 'new' },
    hold: () => {
      let open = (): void => undefined
      gate = new Promise((resolve) => {
        open = resolve
      })
      return open
    },
    book: createIdentityBook({
      clock,
      probe: async ({ id }, known) => {
        asked.push(`${id} ${known ?? 'new'}`)
        await gate
        return world.answer
      },
    }),
  }
  const stop = new AbortController()
  const done = world.book.run(stop.signal)
  await clock.advance(0)
  try {
    await use(world)
  } finally {
    stop.abort()
    await done
  }
}

const one = registration()

it('learns a new target soon, once', async () => {
  await withBook(async ({ book, clock, asked }) => {
    book.learn(one)
    await clock.advance(1_500)
    expect(asked).toEqual([])
    await clock.advance(1_500)
    book.learn(one)
    await clock.advance(600_000)

    expect(asked).toEqual([`${one.id} new`])
    expect(book.last(one.id)).toMatchObject({ verdict: 'same', learnt: 'tm_id=a' })
  })
})

it('looks again, later each time, at a target whose port is not open yet', async () => {
  await withBook(async (world) => {
    const { book, clock, asked } = world
    world.answer = { verdict: 'gone', why: 'refused' }
    book.learn(one)
    await clock.advance(19_000)
    expect(asked).toHaveLength(2)

    world.answer = { verdict: 'unverified', identity: 'tm_id=b', why: 'new' }
    await clock.advance(600_000)
    expect(asked).toHaveLength(3)
    expect(book.last(one.id)?.learnt).toBe('tm_id=b')
  })
})

it('gives up after four looks, and asks a page that does not say who it is no more', async () => {
  await withBook(async (world) => {
    const { book, clock, asked } = world
    world.answer = { verdict: 'unknown', why: 'slow' }
    book.learn(one)
    await clock.advance(3_600_000)
    expect(asked).toHaveLength(4)

    world.answer = { verdict: 'unverified', why: 'it does not say' }
    book.learn(registration({ instance: 'mute' }))
    await clock.advance(3_600_000)
    expect(asked).toHaveLength(5)
  })
})

it('learns a new life, or a new address, afresh', async () => {
  await withBook(async (world) => {
    const { book, clock, asked } = world
    book.learn(one)
    await clock.advance(3_000)
    world.answer = { verdict: 'unverified', identity: 'tm_id=b', why: 'new' }

    book.learn(registration({ incarnation: '2' }))
    await clock.advance(3_000)
    book.learn(registration({ incarnation: '2', address: '10.0.0.8:1' }))
    await clock.advance(3_000)

    expect(asked).toEqual([`${one.id} new`, `${one.id} new`, `${one.id} new`])
    expect(book.last(one.id)?.learnt).toBe('tm_id=b')
  })
})

it('compares with what was learnt, and asks once for all who want to know at the same time', async () => {
  await withBook(async (world) => {
    const { book, clock, asked } = world
    book.learn(one)
    await clock.advance(3_000)
    world.answer = { verdict: 'other', identity: 'tm_id=b', why: 'another' }
    const open = world.hold()

    const checks = [book.check(one), book.check(one), book.check(one)]
    open()

    expect((await Promise.all(checks)).map(({ verdict }) => verdict)).toEqual(['other', 'other', 'other'])
    expect(asked.slice(1)).toEqual([`${one.id} tm_id=a`])
    expect(book.last(one.id)).toMatchObject({ verdict: 'other', learnt: 'tm_id=a' })
  })
})

it('does not take what was learnt of another life for the truth', async () => {
  await withBook(async ({ book, clock, asked }) => {
    book.learn(one)
    await clock.advance(3_000)

    await book.check(registration({ incarnation: '2' }))

    expect(asked.at(-1)).toBe(`${one.id} new`)
    expect(book.last(one.id)?.learnt).toBe('tm_id=a')
  })
})

it('forgets', async () => {
  await withBook(async ({ book, clock, asked }) => {
    book.learn(one)
    book.forget(one.id)
    await clock.advance(10_000)

    expect(asked).toEqual([])
    expect(book.last(one.id)).toBeUndefined()
  })
})

it('learns many a few at a time, without a pause', async () => {
  await withBook(async (world) => {
    const { book, clock, asked } = world
    const open = world.hold()
    for (const each of registrations(100)) book.learn(each)
    await clock.advance(3_000)
    expect(asked).toHaveLength(16)

    open()
    await expect.poll(() => asked.length).toBe(100)
  })
})

it('does not look before it runs, nor after', async () => {
  const asked: string[] = []
  const book = createIdentityBook({
    clock: fakeClock(),
    probe: async ({ id }) => {
      asked.push(id)
      return { verdict: 'same', why: '' }
    },
  })

  expect((await book.check(one)).verdict).toBe('unknown')
  await book.run(AbortSignal.abort())
  expect((await book.check(one)).verdict).toBe('unknown')
  expect(asked).toEqual([])
})
