import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type ForeignFormatName, foreignFormatNames, foreignFormats } from '../../src/discovery/foreign-formats.ts'
import { type ForeignMember, readForeignMember } from '../../src/discovery/foreign-member.ts'

function read(
  format: ForeignFormatName,
  document: unknown,
  more: { path?: string; endpoint?: string } = {},
): ForeignMember {
  const { path = '/services/web/m-1', endpoint } = more
  const where = {
    path: '/services',
    namespace: 'legacy',
    format: foreignFormats[format],
    ...(endpoint === undefined ? {} : { endpoint }),
  }
  const text = typeof document === 'string' ? document : JSON.stringify(document)
  return readForeignMember(where, path, { data: Buffer.from(text), czxid: 77n })
}

const serverset = {
  serviceEndpoint: { host: '10.0.0.7', port: 9250 },
  additionalEndpoints: { admin: { host: '10.0.0.7', port: 9990 } },
  status: 'ALIVE',
  shard: 3,
  metadata: { team: 'a', 'build-id': 'x', job: 'mine', __meta: 'y', big: 'z'.repeat(600), list: [] },
}
const nerve = { host: 'fd00::7', port: 9250, name: 'worker-7', weight: 1, labels: { az: 'b' } }
const curator = {
  name: 'web',
  id: 'm-1',
  address: 'worker-7.internal',
  port: 9250,
  sslPort: null,
  payload: { '@class': 'com.example.Meta', team: 'a', nested: {} },
  registrationTimeUTC: 1_700_000_000_000,
  serviceType: 'DYNAMIC',
  uriSpec: null,
}

it('reads a serverset member', () => {
  expect(read('serverset', serverset)).toMatchObject({
    kind: 'alive',
    parsed: {
      address: { host: '10.0.0.7', kind: 'ipv4', port: 9250 },
      registration: {
        id: 'legacy/web/member/m-1',
        incarnation: '77',
        scheme: 'http',
        metricsPath: '/metrics',
        labels: { team: 'a', build_id: 'x', _meta: 'y', shard: '3' },
      },
    },
  })
})

it('reads a member of nerve, and one of Curator', () => {
  expect(read('nerve', nerve)).toMatchObject({
    kind: 'alive',
    parsed: { registration: { address: '[fd00::7]:9250', labels: { az: 'b', name: 'worker-7' } } },
  })
  expect(read('curator', curator)).toMatchObject({
    kind: 'alive',
    parsed: { address: { kind: 'name' }, registration: { address: 'worker-7.internal:9250', labels: { team: 'a' } } },
  })
})

it('takes the endpoint that was chosen', () => {
  expect(read('serverset', serverset, { endpoint: 'admin' })).toMatchObject({
    parsed: { registration: { address: '10.0.0.7:9990' } },
  })
  expect(read('serverset', serverset, { endpoint: 'http' })).toMatchObject({ why: 'it has no endpoint "http"' })
  const both = { ...curator, sslPort: 9443 }
  expect(read('curator', both, { endpoint: 'ssl' })).toMatchObject({
    parsed: { registration: { address: 'worker-7.internal:9443', scheme: 'https' } },
  })
  expect(read('curator', { ...both, port: null })).toMatchObject({ parsed: { registration: { scheme: 'https' } } })
})

it.each([
  ['serverset', { ...serverset, status: 'DEAD' }],
  ['serverset', { ...serverset, status: 'STOPPING' }],
  ['serverset', { ...serverset, status: 'STOPPED' }],
  ['curator', { ...curator, enabled: false }],
] as const)('knows the end of a %s member', (format, document) => {
  expect(read(format, document)).toEqual({ kind: 'ended', id: 'legacy/web/member/m-1' })
})

it.each([
  ['/services/m-1', 'legacy/services/member/m-1'],
  ['/services/web/m-1', 'legacy/web/member/m-1'],
  ['/services/team/web/m-1', 'legacy/team:web/member/m-1'],
])('knows who %s is', (path, id) => {
  expect(read('nerve', nerve, { path })).toMatchObject({ parsed: { registration: { id } } })
})

it.each([
  ['serverset', '', 'it is not a JSON object in UTF-8'],
  ['serverset', '[]', 'it is not a JSON object in UTF-8'],
  ['serverset', '{', 'it is not a JSON object in UTF-8'],
  ['serverset', {}, 'it has no serviceEndpoint'],
  [
    'serverset',
    { serviceEndpoint: { host: '10.0.0.7', port: '9250x' } },
    'host "10.0.0.7" and port "9250x", expected a text and a number',
  ],
  ['serverset', { serviceEndpoint: { host: '127.1', port: 80 } }, 'address: "127.1:80"'],
  [
    'serverset',
    { serviceEndpoint: { host: { a: 1 }, port: 80 } },
    'host an object and port 80, expected a text and a number',
  ],
  ['serverset', { serviceEndpoint: { host: '10.0.0.7', port: 0 } }, 'address: "10.0.0.7:0"'],
  ['nerve', { host: { toString: 1 }, port: 1 }, 'host an object'],
  ['nerve', { host: '10.0.0.7' }, 'it has no host and port'],
  ['nerve', { host: '10.0.0.7@127.0.0.1', port: 1 }, 'address:'],
  ['curator', { address: '10.0.0.7' }, 'it has no address and port'],
  ['curator', { port: 1 }, 'it has no address and port'],
  ['nerve', 'x'.repeat(70_000), 'it has 70000 bytes, expected at most 65536'],
] as const)('quarantines a %s member that is no good: %j', (format, document, why) => {
  expect(read(format, document)).toMatchObject({ kind: 'quarantined', id: 'legacy/web/member/m-1' })
  const member = read(format, document)
  expect(member.kind === 'quarantined' ? member.why : '').toContain(why)
})

it('quarantines a name that can be no instance', () => {
  expect(read('nerve', nerve, { path: '/services/web/a\u202eb' })).toMatchObject({ kind: 'quarantined' })
})

it('never throws, whatever stands there', () => {
  const documents = fc.oneof(
    fc.json(),
    fc.string(),
    fc.jsonValue().map((value) =>
      JSON.stringify({
        ...serverset,
        serviceEndpoint: value,
        metadata: value,
        address: value,
        port: value,
        payload: value,
        host: value,
      }),
    ),
  )
  fc.assert(
    fc.property(fc.constantFrom(...foreignFormatNames), documents, (format, document) => {
      expect(['alive', 'ended', 'quarantined']).toContain(read(format, document).kind)
    }),
  )
})
