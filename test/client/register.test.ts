import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  heartbeat,
  keepRegistered,
  type Registered,
  type RegistrationError,
  register,
  withdraw,
} from '../../src/client/register.ts'
import { type Request, type Response, type Route, refuse } from '../../src/http/route.ts'
import { type RunningServer, startServer } from '../fakes/http-server.ts'
import { openRegistrationWorld } from '../http/registration-world.ts'

const signal = AbortSignal.timeout(600_000)
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

  it('says what is wrong', async () => {
    await using world = await openRegistrationWorld()

    const refused = register({ url: world.url }, { ...one, address: 'x' }, signal)

    await expect(refused).rejects.toMatchObject({ status: 422, isFinal: true })
    await expect(refused).rejects.toThrow('address: "x", expected host:port')
  })
})

/** A daemon that answers as the test says, and remembers what it was asked. */
describe('keepRegistered()', () => {
  let server: RunningServer
  let asked: string[]
  let answers: (request: Request) => Response
  const ok = { status: 200, headers: { 'Content-Type': 'application/json' } }
  const fine = (heartbeatSeconds = 0.02): Response => ({
    ...ok,
    body: JSON.stringify({ id, lease_seconds: 1, heartbeat_interval_seconds: heartbeatSeconds }),
  })
  const nothing: Response = { status: 204, headers: {}, body: '' }

  beforeEach(async () => {
    asked = []
    answers = ({ method }) => (method === 'PUT' ? fine() : nothing)
    const handle = (request: Request): Response => {
      asked.push(request.method)
      return answers(request)
    }
    const path = '/v1/registrations/:namespace/:app/:role/:instance'
    const routes: Route[] = [
      { method: 'PUT', path, handle },
      { method: 'DELETE', path, handle },
      { method: 'POST', path: `${path}/heartbeat`, handle },
    ]
    server = await startServer(routes)
  })
  afterEach(() => server[Symbol.asyncDispose]())

  function keep() {
    const stop = new AbortController()
    const changes: (Registered | RegistrationError)[] = []
    const done = keepRegistered({ url: server.url }, one, stop.signal, { onChange: (change) => changes.push(change) })
    done.catch(() => undefined)
    return { stop, changes, done }
  }

  it('registers, beats, and withdraws at the end', async () => {
    const { stop, changes, done } = keep()
    await expect.poll(() => asked.length).toBeGreaterThan(3)
    stop.abort()
    await done

    expect(asked.slice(0, 4)).toEqual(['PUT', 'POST', 'POST', 'POST'])
    expect(asked.at(-1)).toBe('DELETE')
    expect(changes).toEqual([{ id, leaseSeconds: 1, heartbeatSeconds: 0.02 }])
  })

  it('registers again when it has been forgotten', async () => {
    let isForgotten = true
    answers = ({ method }) => {
      if (method !== 'POST') return method === 'PUT' ? fine() : nothing
      const answer = isForgotten ? refuse(404, 'unknown') : nothing
      isForgotten = false
      return answer
    }
    const { stop, done } = keep()
    await expect.poll(() => asked.length).toBeGreaterThan(3)
    stop.abort()
    await done

    expect(asked.slice(0, 4)).toEqual(['PUT', 'POST', 'PUT', 'POST'])
  })

  it('tries again while the daemon is uncertain, and tells of the first failure only', async () => {
    let failures = 2
    answers = ({ method }) => (method !== 'PUT' ? nothing : failures-- > 0 ? refuse(503, 'no space') : fine())
    const { stop, changes, done } = keep()
    await expect.poll(() => changes.length, { timeout: 5_000 }).toBe(2)
    stop.abort()
    await done

    expect(asked.slice(0, 3)).toEqual(['PUT', 'PUT', 'PUT'])
    expect(changes[0]).toMatchObject({ status: 503, message: expect.stringContaining('no space') })
  })

  it('gives up when a newer life has taken its place', async () => {
    answers = () => refuse(409, 'superseded by "2"')
    const { done } = keep()

    await expect(done).rejects.toMatchObject({ status: 409, message: expect.stringContaining('superseded by "2"') })
    expect(asked).toEqual(['PUT'])
  })

  it('waits for a daemon that is not there, and ends at once when told to', async () => {
    const { url } = server
    await server[Symbol.asyncDispose]()
    const stop = new AbortController()
    const changes: unknown[] = []
    const done = keepRegistered({ url }, one, stop.signal, { onChange: (change) => changes.push(change) })
    await expect.poll(() => changes).toHaveLength(1)
    stop.abort()
    await done

    expect(changes[0]).toMatchObject({ status: 0, message: expect.stringContaining('ECONNREFUSED') })
  })

  it('does not follow a redirect with its token, nor wait for ever', async () => {
    answers = () => ({ status: 302, headers: { Location: 'http://127.0.0.1:1/' }, body: '' })
    await expect(register({ url: server.url, token: 'secret' }, one, signal)).rejects.toMatchObject({ status: 0 })

    answers = () => ({ ...ok, body: never() })
    const slow = register({ url: server.url, timeoutMs: 50 }, one, signal)
    await expect(slow).rejects.toThrow()
  })
})

async function* never(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
}
