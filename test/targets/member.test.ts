import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMember, encodeMember, readHeld, sizeProblem } from '../../src/targets/member-document.ts'
import { memberPath, parseMemberPath } from '../../src/targets/member-name.ts'
import { isPlainText } from '../../src/targets/plain-text.ts'
import { registration } from './samples.ts'

const one = registration({
  instance: 'container_e17_1410901929263_0001_01_000002',
  role: 'task_manager',
  incarnation: '2_0',
  labels: { team: 'a' },
  facts: { kind: 'flink-tm' },
})
const path = memberPath(one, one.incarnation)

function text(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
}

describe('the path of a member', () => {
  it('starts as Finagle wants it, and carries the incarnation', () => {
    expect(path).toBe('payments/orders/member_task%5Fmanager_container_e17_1410901929263_0001_01_000002_2%5F0')
  })

  it('is read back, whatever the names are', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,20}$/)
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((text) => isPlainText(text) && /^[^\s/](?:[^/]*[^\s/])?$/.test(text) && !/^\.\.?$/.test(text))
    const life = fc.stringMatching(/^[!-.0-~]{1,20}$/)
    fc.assert(
      fc.property(word, name, word, name, life, (namespace, app, role, instance, incarnation) => {
        const identity = { namespace, app, role, instance }

        expect(parseMemberPath(memberPath(identity, incarnation))).toEqual({ identity, incarnation })
      }),
    )
  })

  it.each([
    'payments/orders',
    'payments/orders/',
    'payments/orders/member_a_b',
    'payments/orders/other_a_b_1',
    'payments/orders/member_a_b_1/more',
    'payments/orders/member__b_1',
    'payments/orders/member_a_b_',
    'payments/orders/member_a_%62_1',
    'payments/orders/member_a_%zz_1',
    'payments/orders/member_a_b%2Fc_1',
    '%70ayments/orders/member_a_b_1',
    'payments/%2E%2E/member_a_b_1',
    '',
  ])('is none of ours when it is %j', (other) => {
    expect(parseMemberPath(other)).toBeUndefined()
  })
})

describe('the document of a member', () => {
  it('has what serverset_sd, nerve_sd and Finagle read, and is read back by us', () => {
    const data = encodeMember(one)
    const document: unknown = JSON.parse(new TextDecoder().decode(data))

    expect(document).toMatchObject({
      serviceEndpoint: { host: '10.0.0.7', port: 9250 },
      additionalEndpoints: {},
      status: 'ALIVE',
      shard: 0,
      metadata: { team: 'a' },
      host: '10.0.0.7',
      port: 9250,
      name: one.id,
    })
    expect(decodeMember(path, data)).toEqual({ kind: 'alive', registration: one })
  })

  it('gives IPv6 addresses to others without brackets', () => {
    const six = registration({ address: '[fd00::7]:9250' })

    expect(JSON.parse(new TextDecoder().decode(encodeMember(six)))).toMatchObject({ host: 'fd00::7', port: 9250 })
  })

  it('has no keys that differ by case only, because Go does not tell them apart', () => {
    const keys = Object.keys(Object(JSON.parse(new TextDecoder().decode(encodeMember(one)))))

    expect(new Set(keys.map((key) => key.toLowerCase())).size).toBe(keys.length)
  })

  it.each(['DEAD', 'STOPPING', 'STOPPED'])('says with %s that the end was announced', (status) => {
    expect(decodeMember(path, text({ status }))).toEqual({ kind: 'ended', id: one.id })
  })

  it('says who holds it, in which record, as long as it has not ended', () => {
    expect(readHeld(encodeMember(one, 'ALIVE', { holder: 'a', record: 12 }))).toEqual({ holder: 'a', record: 12 })
    expect(readHeld(encodeMember(one, 'ALIVE', { holder: 'a' }))).toEqual({ holder: 'a' })
    expect(readHeld(text({ holder: 'a', record: '12' }))).toEqual({ holder: 'a' })
    expect(readHeld(encodeMember(one))).toBeUndefined()
    expect(readHeld(encodeMember(one, 'STOPPED', { holder: 'a', record: 12 }))).toBeUndefined()
    expect(readHeld(text('x'))).toBeUndefined()
  })

  it('is taken as plain serverset or nerve JSON under a name of ours', () => {
    const serverset = { serviceEndpoint: { host: '10.0.0.9', port: 80 }, additionalEndpoints: {}, status: 'ALIVE' }
    const nerve = { host: 'fd00::9', port: 80, name: 'x' }

    expect(decodeMember(path, text(serverset))).toMatchObject({ registration: { id: one.id, address: '10.0.0.9:80' } })
    expect(decodeMember(path, text(nerve))).toMatchObject({ registration: { id: one.id, address: '[fd00::9]:80' } })
  })

  const bad: readonly [string, Uint8Array | undefined, string][] = [
    ['no data', undefined, 'empty'],
    ['empty data', text(''), 'empty'],
    ['no JSON', text('x'), 'not a JSON object'],
    ['half of it', encodeMember(one).subarray(0, 100), 'not a JSON object'],
    ['null', text('null'), 'not a JSON object'],
    ['a number', text('7'), 'not a JSON object'],
    ['a list', text('[]'), 'not a JSON object'],
    ['a BOM', text('\ufeff{}'), 'not a JSON object'],
    ['invalid UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'not a JSON object'],
    ['2 MB', new Uint8Array(2_000_000), '2000000 bytes'],
    ['no endpoint', text({}), 'address'],
    ['a host name', text({ serviceEndpoint: { host: 'worker-7', port: 80 } }), 'literal IP address'],
    ['a port as text that is none', text({ host: '10.0.0.7', port: 'x' }), 'address'],
    ['a host that cannot become a text', text('{"host":{"toString":1},"port":1}'), 'address'],
    ['__proto__', text('{"host":"10.0.0.7","port":80,"metadata":{"__proto__":"x"}}'), 'labels.__proto__'],
    ['a reserved label', text({ host: '10.0.0.7', port: 80, metadata: { job: 'x' } }), 'labels.job'],
    ['another member', encodeMember(registration()), 'another member'],
    ['another life', encodeMember({ ...one, incarnation: '3' }), 'another member'],
  ]

  it.each(bad)('is quarantined with its reason for %s', (_, data, why) => {
    expect(decodeMember(path, data)).toEqual({ kind: 'quarantined', why: expect.stringContaining(why) })
  })

  it('never makes the reader throw', () => {
    const data = encodeMember(one)
    fc.assert(
      fc.property(fc.nat(data.length - 1), fc.nat(255), (at, byte) => {
        const bent = Uint8Array.from(data)
        bent[at] = byte
        expect(['alive', 'ended', 'quarantined']).toContain(decodeMember(path, bent).kind)
      }),
    )
  })

  it('has a size that a znode bears', () => {
    const labels = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`label${index}`, 'x'.repeat(500)]))

    expect(sizeProblem(one)).toBeUndefined()
    expect(sizeProblem({ ...one, labels })?.expected).toContain('4096 bytes')
  })
})

it('never throws, whatever stands in a znode under a name of ours', () => {
  const odd = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom({ toString: 1 }, { __proto__: null }, [[]]))
  const words = ['host', 'port', 'status', 'serviceEndpoint', 'metadata', 'registration', 'holder', 'record']
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...words), odd), (members) => {
      const nested = { ...members, serviceEndpoint: members }
      for (const document of [members, nested, { registration: members }])
        expect(decodeMember('a/b/member_c_d_1', Buffer.from(JSON.stringify(document))).kind).toBeDefined()
      expect(readHeld(Buffer.from(JSON.stringify(members)))?.holder ?? '').toBeTypeOf('string')
    }),
  )
})
