import { describe, expect, it } from 'vitest'
import { createIdentity } from '../../src/zookeeper/identity.ts'
import { backOffMs, connectTimeoutMs, lifetimeMs } from '../../src/zookeeper/session-times.ts'

const servers = new Set(['a:1', 'b:1'])
const granted = { timeoutMs: 6_000, sessionId: 7n, password: Buffer.alloc(16, 1), readOnly: false }

describe('an identity', () => {
  it('asks for a new session at first and for its own afterwards', () => {
    const identity = createIdentity(undefined, 9_000, servers)
    const first = identity.hello()
    identity.adopt(granted)
    identity.saw(5n)
    identity.saw(3n)

    expect(first).toMatchObject({ sessionId: 0n, timeoutMs: 9_000, lastZxidSeen: 0n, password: Buffer.alloc(16) })
    expect(identity.hello()).toMatchObject({ sessionId: 7n, timeoutMs: 6_000, lastZxidSeen: 5n })
    expect(identity.isForeign(granted)).toBe(false)
    expect(identity.isForeign({ ...granted, sessionId: 8n })).toBe(true)
    identity.forget()
    expect(identity.hello()).toEqual(first)
  })

  it('is lost after four thirds of the timeout without an answer', () => {
    const identity = createIdentity({ id: 7n, password: Buffer.alloc(16), timeoutMs: 6_000 }, 9_000, servers)
    identity.heard(1_000, 900)

    expect(identity.whyLost(8_999)).toBeUndefined()
    expect(identity.leftMs(8_999)).toBe(1)
    expect(identity.whyLost(9_000)).toBe('No server answered for 8000 ms')
  })

  it('is lost when every server has refused it for a timeout', () => {
    const identity = createIdentity(undefined, 9_000, servers)
    identity.adopt(granted)
    identity.heard(0, 0)
    identity.refused('a:1', true)
    expect(identity.whyLost(7_000)).toBeUndefined()
    identity.refused('b:1', true)
    expect(identity.whyLost(5_999)).toBeUndefined()
    expect(identity.whyLost(6_000)).toBe('Every server refused the session for 6000 ms')
    identity.refused('a:1', false)
    expect(identity.whyLost(6_000)).toBeUndefined()
  })

  it('cannot be lost before there is a session', () => {
    const identity = createIdentity(undefined, 9_000, servers)

    expect([identity.whyLost(1e9), identity.leftMs(1e9)]).toEqual([undefined, Number.POSITIVE_INFINITY])
  })
})

describe('the times of a session', () => {
  it('shares the timeout among the servers, within limits', () => {
    expect(lifetimeMs(6_000)).toBe(8_000)
    expect(connectTimeoutMs(6_000, 3, Number.POSITIVE_INFINITY)).toBe(2_000)
    expect(connectTimeoutMs(60_000, 1, Number.POSITIVE_INFINITY)).toBe(10_000)
    expect(connectTimeoutMs(100, 5, Number.POSITIVE_INFINITY)).toBe(100)
    expect(connectTimeoutMs(6_000, 1, 700)).toBe(700)
  })

  it('waits only after a whole round of servers, longer each time', () => {
    expect([0, 1, 2].map((failures) => backOffMs(failures, 3, 0))).toEqual([0, 0, 0])
    expect([3, 6, 9, 30].map((failures) => backOffMs(failures, 3, 0))).toEqual([100, 200, 400, 2_250])
    expect(backOffMs(30, 1, 0)).toBe(1_500)
    expect(backOffMs(4, 3, 0)).toBe(0)
  })
})
