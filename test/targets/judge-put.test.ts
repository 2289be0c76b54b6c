import { describe, expect, it } from 'vitest'
import { compareLives } from '../../src/model/registration.ts'
import { judgePut } from '../../src/targets/judge-put.ts'
import { registration, target } from './samples.ts'

describe('compareLives()', () => {
  const cases: readonly [string, string, readonly string[], string][] = [
    ['7', '7', [], 'same'],
    ['8', '7', [], 'newer'],
    ['10', '9', [], 'newer'],
    ['9', '10', [], 'older'],
    ['007', '7', [], 'same'],
    ['00', '0', [], 'same'],
    ['99999999999999999999999', '99999999999999999999998', [], 'newer'],
    ['9007199254740993', '9007199254740992', [], 'newer'],
    ['b', 'a', [], 'newer'],
    ['a', 'b', [], 'newer'],
    ['a', 'a', [], 'same'],
    ['a', 'b', ['a'], 'older'],
    ['7', 'b', [], 'newer'],
    ['7', 'b', ['7'], 'older'],
    ['b', '7', [], 'newer'],
    ['-1', '7', [], 'newer'],
    ['1.5', '7', [], 'newer'],
  ]

  it.each(cases)('%s coming to %s, which superseded %j, is %s', (coming, incarnation, superseded, life) => {
    expect(compareLives(coming, { incarnation, superseded })).toBe(life)
  })
})

describe('judgePut()', () => {
  it('creates what is new, renews what is equal and replaces what has changed', () => {
    const present = { same: target() }

    expect(judgePut(registration(), {}).outcome).toBe('created')
    expect(judgePut(registration(), present).outcome).toBe('renewed')
    expect(judgePut(registration({ labels: { team: 'a' } }), present).outcome).toBe('replaced')
    expect(judgePut(registration({ incarnation: '2' }), present).outcome).toBe('replaced')
  })

  it('refuses an older life', () => {
    const present = { same: target({ incarnation: '7' }) }

    const judged = judgePut(registration({ incarnation: '6' }), present)

    expect(judged).toMatchObject({ outcome: 'conflict', why: expect.stringContaining('superseded by "7"') })
    expect(judged).not.toHaveProperty('mayPass')
  })

  it('remembers opaque lives, the last eight of them', () => {
    let present = registration({ incarnation: 'life-0' })
    for (let life = 1; life <= 10; life++) {
      const judged = judgePut(registration({ incarnation: `life-${life}` }), { same: target({ ...present }) })
      present = judged.registration
    }

    expect(present.superseded).toEqual([9, 8, 7, 6, 5, 4, 3, 2].map((life) => `life-${life}`))
    expect(judgePut(registration({ incarnation: 'life-9' }), { same: target({ ...present }) }).outcome).toBe('conflict')
  })

  it('lets a newcomer of the same namespace evict the owner of its address', () => {
    const owner = target({ instance: 'tm-0' })

    expect(judgePut(registration(), { owner })).toMatchObject({ outcome: 'created', evicts: owner.registration.id })
  })

  it('gives the address of another namespace away only once its owner shows no life', () => {
    const alive = target({ namespace: 'fraud' })
    const held = target({ namespace: 'fraud' }, 'held')
    const lost = target({ namespace: 'fraud' }, 'lingering')

    for (const owner of [alive, held])
      expect(judgePut(registration(), { owner })).toMatchObject({
        outcome: 'conflict',
        why: expect.stringContaining('namespace "fraud"'),
        mayPass: true,
      })
    expect(judgePut(registration(), { owner: lost })).toMatchObject({
      outcome: 'created',
      evicts: lost.registration.id,
    })
  })

  it('does not let an evicted life take its address back', () => {
    const owner = target({ instance: 'tm-2' })
    const evicted = { incarnation: '1', by: owner.registration.id }

    expect(judgePut(registration({ incarnation: '1' }), { evicted, owner }).outcome).toBe('conflict')
    expect(judgePut(registration({ incarnation: '2' }), { evicted, owner }).outcome).toBe('created')
  })

  it('lets an evicted life have another address', () => {
    const evicted = { incarnation: '1', by: 'payments/orders/taskmanager/tm-2' }

    expect(judgePut(registration({ incarnation: '1', address: '10.0.0.8:9250' }), { evicted }).outcome).toBe('created')
  })
})
