import { describe, expect, it } from 'vitest'
import { errorCodes } from '../../src/kafka-wire/error-codes.ts'
import type { ListedGroup } from '../../src/kafka-wire/list-groups.ts'
import type { Description } from '../../src/positions/describe-groups.ts'
import { asConsumer, describedAs, type KnownGroup, type Listing, remember } from '../../src/positions/group-memory.ts'

const listed = (id: string, change: Partial<ListedGroup> = {}): ListedGroup => ({
  id,
  protocolType: 'consumer',
  state: 'Stable',
  type: 'classic',
  ...change,
})

const from = (broker: number, ...groups: readonly ListedGroup[]): Listing => ({ broker, groups })

function after(before: ReadonlyMap<string, KnownGroup>, ...listings: readonly Listing[]) {
  return at(0, before, ...listings)
}

function at(ms: number, before: ReadonlyMap<string, KnownGroup>, ...listings: readonly Listing[]) {
  return remember(before, { of: listings, complete: true, at: ms }, () => false)
}

const first = (...listings: readonly Listing[]) => after(new Map(), ...listings)

/** A description with partitions 0 and 1 of `t`, one a member. */
const description: Description = {
  id: 'g',
  error: errorCodes.NONE,
  state: 'Stable',
  members: 2,
  assigned: [{ name: 't', partitions: Int32Array.of(0, 1) }],
}

function described(known: ReadonlyMap<string, KnownGroup>, change: Partial<Description> = {}) {
  const group = known.get('g')
  if (group === undefined) throw new Error('no group g')
  return new Map([['g', describedAs(group, group.kind, { ...description, ...change }, 1) ?? group]])
}

describe('remember()', () => {
  it.each<[string, Partial<ListedGroup>, KnownGroup['kind'] | undefined]>([
    ['a classic consumer', {}, 'classic'],
    ['a sink of Connect, which is a consumer', {}, 'classic'],
    ['a group that only committed', { protocolType: '', state: 'Empty' }, 'classic'],
    ['a worker of Connect', { protocolType: 'connect' }, undefined],
    ['a schema registry', { protocolType: 'sr' }, undefined],
    ['a group of KIP-848', { type: 'consumer' }, 'consumer'],
    ['a type in other letters', { type: 'Consumer' }, 'consumer'],
    ['a share group', { type: 'share', protocolType: 'share' }, 'share'],
    ['a streams group', { type: 'streams', protocolType: 'streams' }, 'streams'],
    ['a type of the future', { type: 'gossip', protocolType: 'gossip' }, undefined],
  ])('takes %s for what it is', (_, change, kind) => {
    expect(first(from(1, listed('connect-sink', change))).get('connect-sink')?.kind).toBe(kind)
  })

  it.each<[string, KnownGroup['kind'] | undefined]>([
    ['consumer', 'classic'],
    ['', 'classic'],
    ['share', 'share'],
    ['streams', 'streams'],
    ['connect', undefined],
  ])('without types takes protocol type "%s" for %s', (protocolType, kind) => {
    const old: ListedGroup = { id: 'g', protocolType, state: 'Stable' }

    expect(first(from(1, old)).get('g')?.kind).toBe(kind)
  })

  it('keeps the kind that a description has told when a broker lists no types', () => {
    const old: ListedGroup = { id: 'g', protocolType: 'consumer', state: 'Stable' }
    const known = new Map([['g', describedAs(first(from(1, old)).get('g')!, 'consumer', description, 1)!]])

    expect(after(known, from(1, old)).get('g')?.kind).toBe('consumer')
  })

  it.each([
    ['through a rebalance', listed('g', { state: 'PreparingRebalance' }), 1],
    ['through a change of kind', listed('g', { type: 'consumer' }), 1],
    ['through a move of its coordinator', listed('g'), 2],
  ])('keeps members and their partitions %s, and has them described anew', (_, group, broker) => {
    const known = described(first(from(1, listed('g'))))
    expect(known.get('g')?.describedAt).toBe(1)

    const now = after(known, from(broker, group)).get('g')

    expect(now).toMatchObject({ members: 2, assigned: description.assigned })
    expect(now?.describedAt).toBeUndefined()
  })

  it('forgets the partitions of members that have all left', () => {
    const known = described(first(from(1, listed('g'))))

    const now = after(known, from(1, listed('g', { state: 'Empty' }))).get('g')

    expect(now?.assigned).toBeUndefined()
    expect(asConsumer(now!)).toMatchObject({ state: 'Empty', members: 0 })
  })

  it('gives the same object again for a group of which nothing has changed', () => {
    const known = described(first(from(1, listed('g'))))

    expect(after(known, from(1, listed('g'))).get('g')).toBe(known.get('g'))
  })

  it('lets that one of two coordinators count that counted so far, whichever answered first', () => {
    const known = first(from(2, listed('g')))

    for (const listings of [
      [from(1, listed('g')), from(2, listed('g')), from(3, listed('g'))],
      [from(3, listed('g')), from(2, listed('g')), from(1, listed('g'))],
    ])
      expect(after(known, ...listings).get('g')).toMatchObject({ coordinator: 2, rivals: [1, 3] })
  })

  it('of two new ones takes the lower id, and knows the other', () => {
    expect(first(from(3, listed('g')), from(1, listed('g'))).get('g')).toMatchObject({ coordinator: 1, rivals: [3] })
  })

  it('forgets the rival as soon as it lists the group no more', () => {
    const known = first(from(1, listed('g')), from(3, listed('g')))

    expect(after(known, from(1, listed('g')), from(3)).get('g')?.rivals).toBeUndefined()
  })

  it('takes a group for gone after the third complete listing without it, and counts no others', () => {
    const known = first(from(1, listed('g')))
    const once = remember(known, { of: [], complete: false, at: 0 }, () => false)
    expect(once.get('g')?.missed).toBe(0)

    const twice = after(after(once, from(1)), from(1))

    expect(twice.get('g')?.missed).toBe(2)
    expect(after(twice, from(1)).has('g')).toBe(false)
    expect(after(twice, from(1, listed('g'))).get('g')?.missed).toBe(0)
  })

  it('waits longer for a group whose coordinator has left: another may still be loading it', () => {
    let known = first(from(1, listed('g')), from(2))
    for (const ms of [1_000, 2_000, 3_000, 4_000, 90_999]) known = at(ms, known, from(2))
    expect(known.get('g')).toMatchObject({ missed: 5, missedSince: 1_000 })

    expect(at(91_000, known, from(2)).has('g')).toBe(false)
    expect(at(91_000, known, from(1), from(2)).has('g')).toBe(false)
    expect(at(91_000, known, from(2, listed('g'))).get('g')).not.toHaveProperty('missedSince')
  })
})

describe('describedAs()', () => {
  it('leaves the partitions of a classic group alone that is in a rebalance', () => {
    const known = described(first(from(1, listed('g'))))
    const { assigned: _, ...rebalancing } = { ...description, state: 'PreparingRebalance', members: 3 }

    const now = describedAs(known.get('g')!, 'classic', rebalancing, 2)

    expect(now).toMatchObject({ state: 'PreparingRebalance', members: 3, assigned: description.assigned })
  })

  it('knows of a group whose topics may not be described only that it knows too little', () => {
    const known = described(first(from(1, listed('g', { type: 'consumer' }))))

    const now = describedAs(
      known.get('g')!,
      'consumer',
      { ...description, error: errorCodes.TOPIC_AUTHORIZATION_FAILED, members: 0, assigned: [] },
      2,
    )

    expect(now?.assigned).toBeUndefined()
    expect(asConsumer(now!)).toEqual({ name: 'g', kind: 'consumer', group: 'g', state: 'Stable', partial: true })
    expect(asConsumer(describedAs(now!, 'consumer', description, 3)!)).toMatchObject({ members: 2 })
    expect(asConsumer(describedAs(now!, 'consumer', description, 3)!)).not.toHaveProperty('partial')
  })

  it.each([errorCodes.NOT_COORDINATOR, errorCodes.GROUP_ID_NOT_FOUND, errorCodes.UNSUPPORTED_VERSION])(
    'learns nothing from error %i',
    (error) => {
      expect(
        describedAs(first(from(1, listed('g'))).get('g')!, 'classic', { ...description, error }, 1),
      ).toBeUndefined()
    },
  )
})
