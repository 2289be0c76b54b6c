import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registrationBatchRoutes } from '../../src/http/registration-batches.ts'
import { registrationRoutes } from '../../src/http/registrations.ts'
import type { Route } from '../../src/http/route.ts'
import { createProber } from '../../src/probe/prober.ts'
import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { fakeClock } from '../fakes/clock.ts'
import { type RunningServer, startServer } from '../fakes/http-server.ts'
import { routeDeps } from './registration-world.ts'

/** Names and what they resolve to. */
const names: Record<string, string[]> = {
  localhost: ['127.0.0.1', '::1'],
  'localhost.localdomain': ['127.0.0.1'],
  'metadata.google.internal': ['169.254.169.254'],
  'instance-data.ec2.internal': ['169.254.169.254'],
  '127.0.0.1.nip.io': ['127.0.0.1'],
  'loopback6.example': ['::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'any.example': ['0.0.0.0'],
  'mixed.example': ['10.0.0.7', '127.0.0.1'],
  'mixed6.example': ['10.0.0.7', 'fd00:ec2::254'],
  'public.example': ['93.184.216.34'],
  'xn--lcalhost-54a.example': ['127.0.0.1'],
  'worker-7.example': ['10.0.0.7'],
}

/** `PORT` is where somebody counts who comes. */
const forms: readonly (readonly [what: string, address: string])[] = [
  ['loopback', '127.0.0.1:PORT'],
  ['loopback, another address', '127.8.9.10:PORT'],
  ['IPv4 with one dot', '127.1:PORT'],
  ['IPv4 with two dots', '127.0.1:PORT'],
  ['IPv4 as one decimal', '2130706433:PORT'],
  ['IPv4 in hex', '0x7f000001:PORT'],
  ['IPv4 in upper-case hex', '0X7F000001:PORT'],
  ['IPv4 in dotted hex', '0x7f.0x0.0x0.0x1:PORT'],
  ['IPv4 with a last part in hex', '127.0.0.0x1:PORT'],
  ['IPv4 in octal', '0177.0.0.1:PORT'],
  ['IPv4 as one octal', '017700000001:PORT'],
  ['IPv4 with leading zeros', '127.000.000.001:PORT'],
  ['IPv4 with a number that wraps', '127.0.0.257:PORT'],
  ['IPv4 as a decimal that wraps', '6425673729:PORT'],
  ['IPv4 with a dot at the end', '127.0.0.1.:PORT'],
  ['IPv4 in brackets', '[127.0.0.1]:PORT'],
  ['IPv4 with full-width digits', '１２７.0.0.1:PORT'],
  ['IPv4 with an ideographic full stop', '127。0。0。1:PORT'],
  ['IPv4 with circled digits', '①②⑦.0.0.1:PORT'],
  ['IPv4 percent-encoded', '%31%32%37.0.0.1:PORT'],
  ['unspecified', '0.0.0.0:PORT'],
  ['unspecified in short', '0:PORT'],
  ['this network', '0.1.2.3:PORT'],
  ['IPv6 loopback', '[::1]:PORT'],
  ['IPv6 loopback in full', '[0000:0000:0000:0000:0000:0000:0000:0001]:PORT'],
  ['IPv6 loopback with dots', '[::0.0.0.1]:PORT'],
  ['IPv6 without brackets', '::1:PORT'],
  ['IPv6 unspecified', '[::]:PORT'],
  ['IPv6 with a zone', '[fe80::1%eth0]:PORT'],
  ['IPv6 with an encoded zone', '[fe80::1%25lo]:PORT'],
  ['IPv6 loopback with a zone', '[::1%lo]:PORT'],
  ['IPv6 link-local', '[fe80::1]:PORT'],
  ['IPv6 site-local', '[fec0::1]:PORT'],
  ['IPv6 multicast', '[ff02::1]:PORT'],
  ['IPv4-mapped', '[::ffff:127.0.0.1]:PORT'],
  ['IPv4-mapped in hex', '[::ffff:7f00:1]:PORT'],
  ['IPv4-mapped in mixed case', '[::FfFf:7F00:0001]:PORT'],
  ['IPv4-mapped of an allowed address', '[::ffff:10.0.0.7]:PORT'],
  ['IPv4-translated', '[::ffff:0:127.0.0.1]:PORT'],
  ['IPv4-compatible', '[::127.0.0.1]:PORT'],
  ['6to4', '[2002:7f00:1::1]:PORT'],
  ['NAT64', '[64:ff9b::7f00:1]:PORT'],
  ['NAT64 of a local prefix', '[64:ff9b:1::169.254.169.254]:PORT'],
  ['Teredo', '[2001:0:7f00:1::1]:PORT'],
  ['metadata of AWS, Azure, GCP, DigitalOcean, OpenStack', '169.254.169.254:80'],
  ['metadata as one decimal', '2852039166:80'],
  ['metadata in hex', '0xA9FEA9FE:80'],
  ['metadata in octal', '0251.0376.0251.0376:80'],
  ['metadata IPv4-mapped', '[::ffff:a9fe:a9fe]:80'],
  ['metadata of ECS tasks', '169.254.170.2:80'],
  ['metadata of EKS pods', '169.254.170.23:80'],
  ['metadata of AWS over IPv6', '[fd00:ec2::254]:80'],
  ['metadata of AWS over IPv6, in full and upper case', '[FD00:0EC2:0000:0000:0000:0000:0000:0254]:80'],
  ['metadata of EKS pods over IPv6', '[fd00:ec2::23]:80'],
  ['metadata of GCP over IPv6', '[fd20:ce::254]:80'],
  ['metadata of Alibaba', '100.100.100.200:80'],
  ['metadata of Oracle', '192.0.0.192:80'],
  ['Azure’s wire server', '168.63.129.16:80'],
  ['multicast', '224.0.0.1:PORT'],
  ['broadcast', '255.255.255.255:PORT'],
  ['reserved', '240.0.0.1:PORT'],
  ['public', '93.184.216.34:PORT'],
  ['shared address space', '100.64.0.1:PORT'],
  ['userinfo before an allowed one', '10.0.0.7@127.0.0.1:PORT'],
  ['userinfo with a password', 'user:pass@127.0.0.1:PORT'],
  ['a whole URL', 'http://127.0.0.1:PORT'],
  ['a path behind', '127.0.0.1:PORT/metrics'],
  ['a fragment', '127.0.0.1:PORT#@10.0.0.7:9250'],
  ['a query', '10.0.0.7:PORT?@127.0.0.1'],
  ['a backslash', '10.0.0.7\\@127.0.0.1:PORT'],
  ['a line break', '10.0.0.7:9250\r\nHost: 127.0.0.1:PORT'],
  ['a NUL', '127.0.0.1\u0000.example:PORT'],
  ['a blank', ' 127.0.0.1:PORT'],
  ['two ports', '10.0.0.7:80:PORT'],
  ['port 0', '127.0.0.1:0'],
  ['port 65536', '10.0.0.7:65536'],
  ['a port with a sign', '10.0.0.7:+80'],
  ['a port with a leading zero', '10.0.0.7:080'],
  ['localhost', 'localhost:PORT'],
  ['localhost in mixed case', 'LocalHost:PORT'],
  ['localhost with a dot at the end', 'localhost.:PORT'],
  ['localhost of a domain', 'localhost.localdomain:PORT'],
  ['a name of GCP metadata', 'metadata.google.internal:80'],
  ['a name of GCP metadata in mixed case', 'Metadata.Google.Internal:80'],
  ['a name of AWS metadata', 'instance-data.ec2.internal:80'],
  ['a name with an address in it', '127.0.0.1.nip.io:PORT'],
  ['a name of IPv6 loopback', 'loopback6.example:PORT'],
  ['a name of a mapped address', 'mapped.example:PORT'],
  ['a name of the unspecified address', 'any.example:PORT'],
  ['a name with one bad address of two', 'mixed.example:PORT'],
  ['a name with one bad address of two, IPv6', 'mixed6.example:PORT'],
  ['a name of a public address', 'public.example:PORT'],
  ['punycode', 'xn--lcalhost-54a.example:PORT'],
  ['a name in Unicode', 'lοcalhost:PORT'],
  ['a soft hyphen', 'local\u00adhost:PORT'],
  ['a name that is not there', 'nobody.example:PORT'],
]

const signal = AbortSignal.timeout(600_000)
const token = 'secret'
const clock = fakeClock()
const prober = createProber({}, { clock, guard: () => undefined })
const registry = createEmbeddedRegistry(
  { storagePath: undefined },
  { clock, logger: silentLogger, probe: (one, known, until) => prober.probe(one, known, until) },
)
const stop = new AbortController()
let counter: Server
let port: number
let connections = 0
let server: RunningServer
let remoteAddress = '10.0.0.9'
let done: Promise<void>

/** Whoever asks is somewhere else. */
function fromElsewhere(route: Route): Route {
  return { ...route, handle: (request) => route.handle({ ...request, remoteAddress }) }
}

beforeAll(async () => {
  done = registry.run(stop.signal)
  counter = createServer((_, response) => response.end('process_start_time_seconds 1\n'))
  counter.on('connection', () => connections++)
  port = await new Promise((resolve) =>
    counter.listen(0, () => {
      const address = counter.address()
      resolve(typeof address === 'object' ? (address?.port ?? 0) : 0)
    }),
  )
  const deps = routeDeps(registry, { token, names })
  server = await startServer([...registrationRoutes(deps), ...registrationBatchRoutes(deps)].map(fromElsewhere))
  while (registry.view() === undefined) await new Promise((resolve) => setTimeout(resolve, 1))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  stop.abort()
  await done
  counter.closeAllConnections()
  await new Promise((resolve) => counter.close(resolve))
})

async function send(method: string, path: string, body: unknown): Promise<{ status: number; text: string }> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

describe('an address that must never be asked', () => {
  it.each(forms)('is refused: %s', async (_, form) => {
    const address = form.replace('PORT', String(port))
    const identity = { namespace: 'payments', app: 'orders', role: 'taskmanager', instance: 'tm' }

    const one = await send('PUT', '/v1/registrations/payments/orders/taskmanager/tm', { address, incarnation: '1' })
    const batch = await send('PUT', '/v1/registrations', [{ ...identity, address, incarnation: '1' }])

    expect(one.status).toBe(422)
    expect(JSON.parse(one.text)).toMatchObject({ problems: [{ path: 'address' }] })
    expect(batch.status).toBe(422)
    expect(registry.view()?.targets).toEqual([])
  })

  it('is asked by nobody', async () => {
    await clock.advance(600_000)

    expect(forms.length).toBeGreaterThanOrEqual(40)
    expect(connections).toBe(0)
  })
})

it('counts who comes: what may be asked is asked', async () => {
  remoteAddress = '127.0.0.1'
  const body = { address: `127.0.0.1:${port}`, incarnation: '1' }
  expect((await send('PUT', '/v1/registrations/payments/orders/taskmanager/here', body)).status).toBe(200)

  await clock.advance(3_000)

  await expect.poll(() => connections).toBe(1)
  await registry.withdraw('payments/orders/taskmanager/here', undefined, signal)
})

it('stays with the address that was checked when the name changes its mind', async () => {
  remoteAddress = '10.0.0.9'
  const before = connections
  names['rebind.example'] = ['10.0.0.7']
  const body = { address: `rebind.example:${port}`, incarnation: '1' }
  expect((await send('PUT', '/v1/registrations/payments/orders/taskmanager/re', body)).status).toBe(200)
  names['rebind.example'] = ['127.0.0.1']
  const asked: string[] = []
  const careful = createProber(
    {},
    {
      clock: systemClock,
      guard: (ip) => {
        asked.push(ip)
        return 'only looked at'
      },
    },
  )

  const kept = registry.find('payments/orders/taskmanager/re')?.registration
  await careful.probe(kept!, undefined, signal)

  expect(kept).toMatchObject({ address: `10.0.0.7:${port}`, host: 'rebind.example' })
  expect(asked).toEqual(['10.0.0.7'])
  expect(connections).toBe(before)
})
