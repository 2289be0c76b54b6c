import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  heartbeat,
  type KeepOptions,
  keepRegistered,
  type RegistrationState,
  register,
  withdraw,
} from '../../src/client/register.ts'
import { type Request, type Response, type Route, refuse } from '../../src/http/route.ts'
import { type RunningServer, startServer } from '../fakes/http-server.ts'
import { openRegistrationWorld } from '../http/registration-world.ts'

const signal = AbortSignal.timeout(600_000)
/** For a busy machine; nothing waits so long as a rule. */
const eventually = { timeout: 15_000 }
const one = {
  namespace: 'payments',
  app: 'Aufträge, alle',
  role: 'tm',
  instance: 'tm 1',
  address: '10.0.0.7:9250',
  incarnation: 'life#1&2',
  more: { labels: { team: 'a' } },
}
const id = 'payments/Aufträge, alle/tm/tm 1'

it('needs nothing but the platform: the file can be copied', async () => {
  const source = await readFile(new URL('../../src/client/register.ts', import.meta.url), 'utf8')

  expect(source).not.toMatch(/^\s*(?:import|export .* from)\b|\brequire\(|\bimport\(/m)
})

describe('against the real routes', () => {
  it('registers, sends heartbeats and withdraws', async () => {
    await using world = await openRegistrationWorld()
    const daemon = { url: `${world.url}/` }

    expect(await heartbeat(daemon, one, signal)).toBe(false)
    expect(await register(daemon, one, signal)).toEqual({ id, leaseSeconds: 30, heartbeatSeconds: 10 })
    expect(await heartbeat(daemon, one, signal)).toBe(true)
    expect(world.registry.find(id)?.registration).toMatchObject({ incarnation: 'life#1&2', labels: { team: 'a' } })
    await register(daemon, { ...one, incarnation: 'life#2' }, signal)
    expect(await withdraw(daemon, one, signal)).toBe(false)
    expect(world.registry.find(id)).toBeDefined()
    expect(await withdraw(daemon, { ...one, incarnation: 'life#2' }, signal)).toBe(true)
    expect(world.registry.find(id)).toBeUndefined()
  })

  it('tells an address that may become free from a life that is over', async () => {
    await using world = await openRegistrationWorld()
    const daemon = { url: world.url }
    await register(daemon, { ...one, namespace: 'others' }, signal)

    await expect(register(daemon, one, signal)).rejects.toMatchObject({
      status: 409,
      isFinal: false,
      retryAfterSeconds: 30,
    })
    await withdraw(daemon, { ...one, namespace: 'others' }, signal)
    await register(daemon, { ...one, incarnation: '2' }, signal)
    await expect(register(daemon, { ...one, incarnation: '1' }, signal)).rejects.toMatchObject({
      status: 409,
      isFinal: true,
    })
  })

  it('says what is wrong', async () => {
    await using world = await openRegistrationWorld()

    const refused = register({ url: world.url }, { ...one, address: 'x' }, signal)

    await expect(refused).rejects.toMatchObject({ status: 422, isFinal: true })
    await expect(refused).rejects.toThrow('address: "x", expected host:port')
  })
})

/** A daemon that answers as the test says, and remembers what it was asked. */
interface FakeDaemon {
  readonly server: RunningServer
  readonly asked: Request[]
  answers: (request: Request) => Response | Promise<Response>
}

async function startDaemon(): Promise<FakeDaemon> {
  const asked: Request[] = []
  const handle = (request: Request): Response | Promise<Response> => {
    asked.push(request)
    return daemon.answers(request)
  }
  const path = '/v1/registrations/:namespace/:app/:role/:instance'
  const routes: Route[] = [
    { method: 'PUT', path, handle },
    { method: 'DELETE', path, handle },
    { method: 'POST', path: `${path}/heartbeat`, handle },
  ]
  const daemon: FakeDaemon = { server: await startServer(routes), asked, answers: usual }
  return daemon
}

const json = { 'Content-Type': 'application/json' }
const nothing: Response = { status: 204, headers: {}, body: '' }
const fine: Response = {
  status: 200,
  headers: json,
  body: JSON.stringify({ id, lease_seconds: 30, heartbeat_interval_seconds: 10 }),
}
const registered = { state: 'registered', registered: { id, leaseSeconds: 30, heartbeatSeconds: 10 } }
const usual = ({ method }: Request): Response => (method === 'PUT' ? fine : nothing)

/** Answers PUTs and heartbeats with what is listed, one after the other, and then as usual. */
function script(...list: readonly Response[]): FakeDaemon['answers'] {
  const left = [...list]
  return (request) => (request.method === 'DELETE' ? nothing : (left.shift() ?? usual(request)))
}

const busy = (status: number, seconds: number): Response => refuse(status, 'busy', {}, { 'Retry-After': `${seconds}` })

describe('keepRegistered()', () => {
  let daemon: FakeDaemon
  let asked: Request[]
  const methods = (): string[] => asked.map(({ method }) => method)

  beforeEach(async () => {
    daemon = await startDaemon()
    asked = daemon.asked
  })
  afterEach(() => daemon.server[Symbol.asyncDispose]())

  /** Waits take no time; they are written down, and the work is over after `sleeps` of them. */
  function keep(sleeps: number, url: string | readonly string[] = daemon.server.url, options: KeepOptions = {}) {
    const stop = new AbortController()
    const states: RegistrationState[] = []
    const slept: number[] = []
    const sleep = async (ms: number): Promise<void> => {
      slept.push(ms)
      if (slept.length >= sleeps) stop.abort()
    }
    const onState = (state: RegistrationState): void => void states.push(state)
    const done = keepRegistered({ url }, one, stop.signal, { onState, sleep, ...options })
    return { stop, states, slept, done }
  }

  it('registers, beats, and withdraws its own life at the end', async () => {
    const { states, done } = keep(4)

    expect(await done).toEqual({ state: 'withdrawn' })
    expect(methods()).toEqual(['PUT', 'POST', 'POST', 'POST', 'DELETE'])
    expect(asked.slice(1).map(({ query }) => query.get('incarnation'))).toEqual(Array(4).fill('life#1&2'))
    expect(states).toEqual([registered, { state: 'withdrawn' }])
  })

  it('beats a little earlier than asked, never in step with others', async () => {
    const { slept, done } = keep(20)
    await done

    expect(Math.min(...slept)).toBeGreaterThanOrEqual(9_000)
    expect(Math.max(...slept)).toBeLessThanOrEqual(10_000)
    expect(new Set(slept).size).toBeGreaterThan(10)
  })

  it('registers again when it has been forgotten', async () => {
    daemon.answers = script(fine, refuse(404, 'unknown'))
    const { states, done } = keep(3)
    await done

    expect(methods()).toEqual(['PUT', 'POST', 'PUT', 'POST', 'DELETE'])
    expect(states).toEqual([registered, registered, { state: 'withdrawn' }])
  })

  it('stops when a newer life has taken its place, says so, and does not withdraw that one', async () => {
    daemon.answers = script(fine, refuse(404, 'unknown'), refuse(409, 'superseded by "2"'))
    const { states, done } = keep(9)

    expect(await done).toMatchObject({ state: 'refused', error: { status: 409 } })
    expect(methods()).toEqual(['PUT', 'POST', 'PUT'])
    expect(states.at(-1)).toMatchObject({ error: { message: expect.stringContaining('superseded by "2"') } })
  })

  it('waits for an address that may become free', async () => {
    daemon.answers = script(busy(409, 30), fine)
    const { slept, done } = keep(2)

    expect(await done).toEqual({ state: 'withdrawn' })
    expect(methods()).toEqual(['PUT', 'PUT', 'DELETE'])
    expect(slept[0]).toBeGreaterThanOrEqual(30_000)
  })

  it.each([400, 413, 415, 422])('stops at %i: the same again would be refused again', async (status) => {
    daemon.answers = script(busy(status, 1))

    expect(await keep(9).done).toMatchObject({ state: 'refused', error: { status } })
    expect(methods()).toEqual(['PUT'])
  })

  it.each([429, 503])('comes back when %i says so, and somewhat later by chance', async (status) => {
    daemon.answers = script(fine, ...Array<Response>(20).fill(busy(status, 40)))
    const { states, slept, done } = keep(22)
    await done
    const waits = slept.slice(1, 21)

    expect(Math.min(...waits)).toBeGreaterThanOrEqual(40_000)
    expect(Math.max(...waits)).toBeLessThanOrEqual(40_000 * 1.34)
    expect(new Set(waits).size).toBeGreaterThan(10)
    expect(states.map(({ state }) => state)).toEqual(['registered', 'retrying', 'registered', 'withdrawn'])
  })

  it.each([
    ['no number', 'Wed, 21 Oct 2015 07:28:00 GMT', 350, 500],
    ['nothing', '0', 100, 134],
    ['a year', '31536000', 300_000, 400_000],
  ])('is not led astray by a Retry-After of %s', async (_, value, least, most) => {
    daemon.answers = script(refuse(503, 'busy', {}, { 'Retry-After': value }))
    const { slept, done } = keep(2)
    await done

    expect(slept[0]).toBeGreaterThanOrEqual(least)
    expect(slept[0]).toBeLessThanOrEqual(most)
  })

  it('tries again ever more slowly without an end, and tells of the first failure only', async () => {
    daemon.answers = script(...Array<Response>(12).fill(refuse(500, 'no space')))
    const { states, slept, done } = keep(13)
    await done

    expect(methods().filter((method) => method === 'PUT')).toHaveLength(13)
    for (const [index, ms] of slept.slice(0, 12).entries()) {
      const most = Math.min(10_000, 500 * 2 ** index)
      expect(ms).toBeGreaterThanOrEqual(0.7 * most)
      expect(ms).toBeLessThanOrEqual(most)
    }
    expect(states.map(({ state }) => state)).toEqual(['retrying', 'registered', 'withdrawn'])
    expect(states[0]).toMatchObject({ error: { status: 500, message: expect.stringContaining('no space') } })
  })

  it('never rejects: not for a listener that throws, a token that cannot be read, or a name that is no text', async () => {
    const throws = (): never => {
      throw new Error('no')
    }
    expect(await keep(2, undefined, { onState: throws }).done).toEqual({ state: 'withdrawn' })

    const stop = new AbortController()
    const sleep = async (): Promise<void> => stop.abort()
    const kept = keepRegistered({ url: daemon.server.url, token: throws }, one, stop.signal, { sleep })
    expect(await kept).toMatchObject({ state: 'left', error: { status: 0 } })
    const broken = keepRegistered({ url: daemon.server.url }, { ...one, app: '\ud800' }, AbortSignal.abort())
    expect(await broken).toMatchObject({ state: 'left' })
    expect(await keep(1, []).done).toMatchObject({ state: 'left', error: { message: 'No URL of Lagkeeper given' } })
  })

  it('does not take another program that answers 200 for Lagkeeper', async () => {
    daemon.answers = script({ status: 200, headers: json, body: '{"ok":true}' }, fine)
    const { states, done } = keep(2)
    await done

    expect(states[0]).toMatchObject({
      state: 'retrying',
      error: { message: expect.stringContaining('{"ok":true}, expected heartbeat_interval_seconds') },
    })
    expect(methods()).toEqual(['PUT', 'PUT', 'DELETE'])
  })

  it('ends at once when told to, even while a request waits for its answer', async () => {
    daemon.answers = ({ method, signal: gone }) => (method === 'PUT' ? untilAborted(gone) : nothing)
    const { stop, done } = keep(9)
    await expect.poll(methods, eventually).toEqual(['PUT'])
    stop.abort()

    expect(await done).toEqual({ state: 'withdrawn' })
    expect(methods()).toEqual(['PUT', 'DELETE'])
  })

  it('by itself waits with a timer that an abort ends', async () => {
    const stop = new AbortController()
    const done = keepRegistered({ url: daemon.server.url }, one, stop.signal)
    await expect.poll(methods, eventually).toEqual(['PUT'])
    stop.abort()

    expect(await done).toEqual({ state: 'withdrawn' })
  })

  describe('at the end', () => {
    it('withdraws again and again, within its time', async () => {
      let failures = 2
      daemon.answers = (request) => (request.method === 'DELETE' && failures-- > 0 ? busy(503, 60) : usual(request))
      const { slept, done } = keep(1, undefined, { withdrawMs: 60_000 })

      expect(await done).toEqual({ state: 'withdrawn' })
      expect(methods().slice(1)).toEqual(['DELETE', 'DELETE', 'DELETE'])
      // Not the 60 s that were asked for: the last attempt must fit.
      for (const ms of slept.slice(1)) expect(ms).toBeLessThanOrEqual(30_000)
    })

    it('gives up after its time, and says that the registration stays until its lease is over', async () => {
      daemon.answers = ({ method, signal: gone }) => (method === 'PUT' ? fine : untilAborted(gone))
      const { done, states } = keep(1, undefined, { withdrawMs: 150 })

      expect(await done).toMatchObject({ state: 'left', error: { status: 0 } })
      expect(states.at(-1)).toMatchObject({ state: 'left' })
    })

    it.each([401, 403])('does not try again after %i', async (status) => {
      daemon.answers = (request) => (request.method === 'DELETE' ? refuse(status, 'no') : usual(request))

      expect(await keep(1).done).toMatchObject({ state: 'left', error: { status } })
      expect(methods()).toEqual(['PUT', 'DELETE'])
    })

    it('leaves a newer life alone', async () => {
      daemon.answers = (request) => (request.method === 'DELETE' ? refuse(409, 'newer') : usual(request))

      expect(await keep(1).done).toEqual({ state: 'withdrawn' })
    })

    it('tries once only when nobody ever answered', async () => {
      const { url } = daemon.server
      await daemon.server[Symbol.asyncDispose]()
      const { states, done } = keep(1, url)

      expect(await done).toMatchObject({ state: 'left' })
      expect(states[0]).toMatchObject({
        state: 'retrying',
        error: { status: 0, message: expect.stringContaining('ECONNREFUSED') },
      })
    })
  })

  describe('with several replicas', () => {
    let other: FakeDaemon
    let both: readonly string[]

    beforeEach(async () => {
      other = await startDaemon()
      both = [daemon.server.url, `${other.server.url}/`]
    })
    afterEach(() => other.server[Symbol.asyncDispose]())

    it('asks the next one when one is in trouble, and stays with it', async () => {
      daemon.answers = () => refuse(503, 'no view yet')
      const { done, states } = keep(3, both)
      await done

      expect(methods()).toEqual(['PUT'])
      expect(other.asked.map(({ method }) => method)).toEqual(['PUT', 'POST', 'POST', 'DELETE'])
      expect(states.map(({ state }) => state)).toEqual(['registered', 'withdrawn'])
    })

    it('asks the next one when one is gone', async () => {
      await daemon.server[Symbol.asyncDispose]()
      await keep(2, both).done

      expect(other.asked.map(({ method }) => method)).toEqual(['PUT', 'POST', 'DELETE'])
    })

    it.each([422, 429])('does not ask the next one after %i: it would say the same', async (status) => {
      daemon.answers = script(refuse(status, 'no'))
      await keep(1, both).done

      expect(other.asked.map(({ method }) => method)).not.toContain('PUT')
    })

    it('says what was wrong with each, and comes back when the first one said so', async () => {
      daemon.answers = script(busy(503, 60))
      other.answers = script(busy(503, 40))
      const { done, states, slept } = keep(2, both)
      await done

      const [{ url: first }, { url: second }] = [daemon.server, other.server]
      expect(states[0]).toMatchObject({ error: { status: 503, retryAfterSeconds: 40 } })
      expect(states[0]).toMatchObject({ error: { message: expect.stringMatching(`${first}.*; .*${second}`) } })
      expect(slept[0]).toBeLessThan(60_000)
    })

    it('leaves each its share of the time at the end', async () => {
      daemon.answers = ({ method, signal: gone }) => (method === 'DELETE' ? untilAborted(gone) : fine)
      const { done } = keep(1, both, { withdrawMs: 400 })

      expect(await done).toEqual({ state: 'withdrawn' })
      expect(other.asked.map(({ method }) => method)).toEqual(['DELETE'])
    })
  })

  it('does not follow a redirect with its token, nor wait for ever', async () => {
    const { url } = daemon.server
    daemon.answers = () => ({ status: 302, headers: { Location: 'http://127.0.0.1:1/' }, body: '' })
    await expect(register({ url, token: 'secret' }, one, signal)).rejects.toMatchObject({ status: 0 })
    expect(asked[0]?.headers['authorization']).toBe('Bearer secret')

    daemon.answers = ({ signal: gone }) => ({ status: 200, headers: json, body: half(gone) })
    await expect(register({ url, timeoutMs: 50 }, one, signal)).rejects.toThrow('no answer within 50 ms')
  })
})

function untilAborted(gone: AbortSignal): Promise<Response> {
  return new Promise((resolve) => gone.addEventListener('abort', () => resolve(nothing)))
}

async function* half(gone: AbortSignal): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{')
  await untilAborted(gone)
}
