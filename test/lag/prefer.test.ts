import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noStoresBefore, prefer, type SourceFound, type StoresBefore } from '../../src/lag/prefer.ts'
import type { Consumer, ConsumerKind } from '../../src/model/consumer.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import type { PositionBatch } from '../../src/model/position-batch.ts'
import { type Reason, reasonOf } from '../../src/model/reason.ts'
import { fakeBatch } from '../fakes/columns.ts'

type Positions = Readonly<Record<string, Readonly<Record<string, Readonly<Record<number, bigint | Reason>>>>>>

/** A source whose batch was taken at 50, or at 60 for ZooKeeper. */
function source(kind: ConsumerKind, positions: Positions, more: Partial<Consumer> = {}): SourceFound {
  const batch = fakeBatch(positions, kind === 'zookeeper' ? 60 : 50)
  return { batches: [{ ...batch, consumers: batch.consumers.map((one) => ({ ...one, kind, ...more })) }], problems: [] }
}

const kafka = (positions: Positions, more: Partial<Consumer> = {}) => source('classic', positions, more)
const zookeeper = (positions: Positions, more: Partial<Consumer> = {}) => source('zookeeper', positions, more)
const unread = (...consumers: string[]): SourceFound => ({
  batches: [],
  problems: consumers.map((consumer) => ({ reason: 'read_failed', consumer, message: 'not read' })),
})

/** All rows as `consumer topic/partition` to the position or the reason, in the order of the batches. */
function rows(batches: readonly PositionBatch[]): Record<string, bigint | Reason> {
  const found: Record<string, bigint | Reason> = {}
  for (const batch of batches)
    for (let block = 0; block < batch.blockConsumer.length; block++)
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
        const { name } = batch.consumers[batch.blockConsumer[block]!]!
        const key = `${name} ${batch.topics[batch.blockTopic[block]!]!.name}/${batch.partition[row]}`
        if (key in found) throw new Error(`"${key}" stands there twice`)
        found[key] = reasonOf(batch.reason[row]!) ?? offsetAt(batch.value, row)
      }
  return found
}

/** Several cycles one after the other; the rows of each. */
function cycles(...looks: readonly (readonly SourceFound[])[]): Record<string, bigint | Reason>[] {
  return run(looks).map(({ batches }) => rows(batches))
}

function run(looks: readonly (readonly SourceFound[])[]) {
  let before: StoresBefore = noStoresBefore
  return looks.map((found) => {
    const steps = prefer(found, before)
    let step = steps.next()
    while (step.done !== true) step = steps.next()
    before = step.value.stores
    return step.value
  })
}

const at = (position: bigint | Reason): Positions => ({ g: { t: { 0: position } } })

/** The one row of each cycle, for positions `[in Kafka, in ZooKeeper]`; `-` is a store that could not be read. */
function chosen(...looks: readonly (readonly [bigint | Reason | '-', bigint | Reason | '-'])[]) {
  const found = looks.map(([one, other]) => [
    one === '-' ? unread('g') : kafka(at(one)),
    other === '-' ? unread('g') : zookeeper(at(other)),
  ])
  return cycles(...found).map((of) => of['g t/0'])
}

describe('prefer()', () => {
  it('leaves the batches of one source, and of sources without a common consumer, as they are', () => {
    const one = kafka({ a: { t: { 0: 1n } } })
    const other = zookeeper({ b: { t: { 0: 2n } } })

    expect(run([[one]])[0]?.batches).toBe(one.batches)
    expect(run([[one, other]])[0]?.batches).toEqual([...one.batches, ...other.batches])
  })

  it('gives a consumer in two stores one row a partition, and leaves the others alone', () => {
    const [found] = cycles([
      kafka({ a: { t: { 0: 1n } }, g: { t: { 0: 5n, 1: 7n }, only: { 3: 1n } } }),
      zookeeper({ b: { t: { 0: 2n } }, g: { t: { 0: 4n, 2: 9n }, old: { 0: 'no_position' } } }),
    ])

    expect(found).toEqual({
      'a t/0': 1n,
      'b t/0': 2n,
      'g old/0': 'no_position',
      'g only/3': 1n,
      'g t/0': 5n,
      'g t/1': 7n,
      'g t/2': 9n,
    })
  })

  it('shows both answers as evidence, and the later of their times', () => {
    const [result] = run([[kafka(at(1n)), zookeeper(at(1n))]])

    expect(result?.batches.find(({ evidence }) => evidence.length === 2)).toMatchObject({ takenAt: 60 })
  })

  it('leaves a consumer out that one store cannot say anything about, so that what it had is held', () => {
    const [found] = run([[unread('g'), zookeeper({ g: { t: { 0: 5n } }, b: { t: { 0: 1n } } })]])

    expect(rows(found?.batches ?? [])).toEqual({ 'b t/0': 1n })
    expect(found?.batches.flatMap(({ consumers }) => consumers.map(({ name }) => name))).toEqual(['b'])
  })

  it('does not let one store hide consumers of which only the other knows', () => {
    expect(cycles([kafka({ a: { t: { 0: 1n } } }), unread('g')])).toEqual([{ 'a t/0': 1n }])
  })

  it('takes the first source alone where one gives a lag and no position', () => {
    const share = kafka(at(3n), { kind: 'share' })
    const lag = { ...share, batches: share.batches.map((batch): PositionBatch => ({ ...batch, holds: 'lag' })) }

    const [result] = run([[unread('g'), lag, zookeeper(at(9n))]])

    expect(rows(result?.batches ?? [])).toEqual({ 'g t/0': 3n })
    expect(result?.batches.find(({ consumers }) => consumers.length > 0)?.holds).toBe('lag')
  })
})

describe('a partition with positions in two stores', () => {
  it('has the larger one before anything has moved, as an old consumer with dual.commit takes it', () => {
    expect(chosen([100n, 90n], [100n, 90n])).toEqual([100n, 100n])
    expect(chosen([100n, 190n], [100n, 190n])).toEqual([190n, 190n])
  })

  it('has the larger one while both move: dual.commit', () => {
    expect(chosen([10n, 10n], [20n, 15n], [30n, 30n], [40n, 35n], [40n, 40n])).toEqual([10n, 20n, 30n, 40n, 40n])
  })

  it('follows Kafka after the migration, also back to the start', () => {
    expect(chosen([100n, 90n], [110n, 90n], [0n, 90n], [5n, 90n], [5n, 90n])).toEqual([100n, 110n, 0n, 5n, 5n])
  })

  it('follows ZooKeeper after a roll-back', () => {
    expect(chosen([100n, 100n], [110n, 110n], [110n, 105n], [110n, 120n])).toEqual([100n, 110n, 105n, 120n])
  })

  it('follows a first position in one store of a consumer that is in both', () => {
    expect(chosen(['no_position', 500n], [0n, 500n])).toEqual([500n, 0n])
  })

  it('does not take for a movement that a source comes to know the consumer', () => {
    const old = zookeeper(at(500n))
    const nobody = { batches: [], problems: [] }

    expect(cycles([nobody, old], [kafka(at(0n)), old], [kafka(at(1n)), old]).map((of) => of['g t/0'])).toEqual([
      500n,
      500n,
      1n,
    ])
  })

  it('has that of Kafka when only Kafka has live members, as a consumer that moved with its group id', () => {
    const found = (kafkaMembers: number, zookeeperMembers: number) =>
      cycles([kafka(at(5n), { members: kafkaMembers }), zookeeper(at(500n), { members: zookeeperMembers })])[0]?.[
        'g t/0'
      ]

    expect([found(2, 0), found(0, 2), found(2, 2), found(0, 0)]).toEqual([5n, 500n, 500n, 500n])
  })

  it('goes by the store that moved last on other partitions when it stands itself', () => {
    const both = (position: bigint): Positions => ({ g: { t: { 0: 50n }, busy: { 0: position } } })
    const left = zookeeper({ g: { t: { 0: 80n }, busy: { 0: 1n } } })

    expect(cycles([kafka(both(1n)), left], [kafka(both(2n)), left]).map((of) => of['g t/0'])).toEqual([80n, 50n])
  })

  it('has the other one when a store has none, and the reason when neither has one', () => {
    expect(chosen([5n, 'no_position'], ['no_position', 7n])).toEqual([5n, 7n])
    expect(chosen(['no_position', 'no_position'])).toEqual(['no_position'])
    expect(chosen(['no_position', 'read_failed'])).toEqual(['read_failed'])
  })

  it('does not mind nonsense in the store that does not count, and says so of the one that does', () => {
    expect(chosen([100n, 90n], [110n, 'read_failed'])).toEqual([100n, 110n])
    expect(chosen([100n, 190n], [100n, 'read_failed'])).toEqual([190n, 'read_failed'])
    expect(chosen([100n, 'read_failed'])).toEqual([100n])
  })
})

describe('a consumer of which one store cannot be read', () => {
  it('keeps its rows when the other store is the one that counts', () => {
    expect(chosen([100n, 90n], [110n, '-'], [120n, '-'])).toEqual([100n, 110n, 120n])
    expect(chosen([100n, 100n], ['-', 110n], ['-', 110n])).toEqual([100n, 110n, 110n])
  })

  it('says why where the unread store counted, until the other one moves', () => {
    expect(chosen([100n, 190n], [100n, '-'], [100n, '-'], [200n, '-'], [200n, '-'])).toEqual([
      190n,
      'read_failed',
      'read_failed',
      200n,
      200n,
    ])
  })

  it('keeps a row for each partition that only the unread store has', () => {
    const found = cycles(
      [kafka({ g: { t: { 0: 1n } } }), zookeeper({ g: { old: { 0: 2n, 1: 3n, 2: 'no_position' } } })],
      [kafka({ g: { t: { 0: 1n } } }), unread('g')],
    )

    expect(found[1]).toEqual({
      'g old/0': 'read_failed',
      'g old/1': 'read_failed',
      'g old/2': 'read_failed',
      'g t/0': 1n,
    })
  })

  it('remembers what moved while neither could be read', () => {
    expect(chosen([100n, 90n], [0n, 90n], ['-', '-'], [0n, 90n])).toEqual([100n, 0n, undefined, 0n])
  })
})

describe('a consumer in two stores', () => {
  const consumerOf = (...found: SourceFound[]): Consumer | undefined =>
    run([found])[0]
      ?.batches.flatMap(({ consumers }) => consumers)
      .find(({ name }) => name === 'g')

  it('is of the kind zookeeper only when ZooKeeper alone counts', () => {
    expect(consumerOf(kafka(at(5n)), zookeeper(at(5n)))?.kind).toBe('classic')
    expect(consumerOf(kafka(at(5n)), zookeeper(at(9n)))?.kind).toBe('zookeeper')
  })

  it('has the members of both, and Kafka’s word for its state', () => {
    expect(consumerOf(kafka(at(5n), { members: 1, state: 'Stable' }), zookeeper(at(5n), { members: 2 }))).toEqual({
      name: 'g',
      group: 'g',
      kind: 'classic',
      state: 'Stable',
      members: 3,
    })
    expect(consumerOf(kafka(at(5n)), zookeeper(at(5n), { members: 2 }))?.members).toBeUndefined()
  })
})

describe('any history of two stores', () => {
  const position = fc.bigInt({ min: 0n, max: 3n })
  const store = fc.option(fc.dictionary(fc.constantFrom('0', '1', '2'), position, { maxKeys: 3 }), { nil: undefined })
  const history = fc.array(fc.tuple(store, store), { minLength: 1, maxLength: 6 })
  const toSource = (make: typeof kafka, of: Readonly<Record<string, bigint>> | undefined): SourceFound =>
    of === undefined ? unread('g') : make({ g: { t: of } })

  it('has no row twice, invents no position, and misses no partition that can be read', () => {
    fc.assert(
      fc.property(history, (looks) => {
        const results = cycles(...looks.map(([one, other]) => [toSource(kafka, one), toSource(zookeeper, other)]))
        for (const [cycle, found] of results.entries()) {
          const [one, other] = looks[cycle]!
          const isWhole = one !== undefined && other !== undefined
          for (const partition of new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})])) {
            const row = found[`g t/${partition}`]
            if (isWhole) expect(row).toBeTypeOf('bigint')
            if (typeof row === 'bigint') expect([one?.[partition], other?.[partition]]).toContain(row)
          }
          if (isWhole)
            expect(Object.keys(found)).toHaveLength(new Set([...Object.keys(one), ...Object.keys(other)]).size)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('follows the only store that moves, wherever it goes', () => {
    fc.assert(
      fc.property(
        fc.array(position, { minLength: 2, maxLength: 8 }),
        position,
        fc.boolean(),
        (moves, still, isKafka) => {
          const looks = moves.map((move): readonly [bigint, bigint] => (isKafka ? [move, still] : [still, move]))
          const found = chosen(...looks)
          const firstMove = moves.findIndex((move, index) => index > 0 && move !== moves[index - 1])
          for (const [index, move] of moves.entries())
            if (firstMove >= 0 && index >= firstMove) expect(found[index]).toBe(move)
        },
      ),
    )
  })
})
