import { expect, it } from 'vitest'
import { createGssapi } from '../../src/kafka/sasl-gssapi.ts'

const { signal } = new AbortController()
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Stands in for MIT Kerberos: one answer to the first token, then the offer of layers. The real one: test/matrix. */
function kerberosThat(offer: Uint8Array, failure?: string) {
  const asked: unknown[] = []
  const client = {
    contextComplete: false,
    step(challenge: string) {
      asked.push(['step', challenge])
      client.contextComplete = challenge !== ''
      return Promise.resolve(challenge === '' ? base64('AP-REQ') : null)
    },
    unwrap(token: string) {
      asked.push(['unwrap', token])
      return Promise.resolve(Buffer.from(offer).toString('base64'))
    },
    wrap(token: string) {
      asked.push(['wrap', token])
      return Promise.resolve(base64('wrapped'))
    },
  }
  const kerberos = {
    GSS_MECH_OID_KRB5: 9,
    initializeClient: (service: string, options: object) => {
      asked.push([service, options])
      return failure === undefined ? Promise.resolve(client) : Promise.reject(new Error(failure))
    },
  }
  return { kerberos, asked }
}

it('proves both sides, then takes no security layer', async () => {
  const { kerberos, asked } = kerberosThat(Uint8Array.of(7, 0, 255, 255))
  const exchange = createGssapi({ kerberos, serviceName: 'kafka', principal: 'lag@R' }, 'broker-1')

  const sent = [await exchange.start(signal)]
  for (const challenge of ['AP-REP', 'offer']) sent.push((await exchange.next(Buffer.from(challenge))) ?? expect.fail())

  expect(sent.map((token) => Buffer.from(token).toString())).toEqual(['AP-REQ', '', 'wrapped'])
  expect(await exchange.next(Buffer.alloc(0))).toBeUndefined()
  expect(asked).toEqual([
    ['kafka@broker-1', { mechOID: 9, principal: 'lag@R' }],
    ['step', ''],
    ['step', base64('AP-REP')],
    ['unwrap', base64('offer')],
    ['wrap', Buffer.of(1, 0, 0, 0).toString('base64')],
  ])
})

it.each([
  ['insists on a layer', Uint8Array.of(6, 0, 255, 255)],
  ['offers nothing', new Uint8Array()],
])('refuses a broker that %s', async (_, offer) => {
  const exchange = createGssapi({ kerberos: kerberosThat(offer).kerberos, serviceName: 'kafka' }, 'b')
  await exchange.start(signal)
  await exchange.next(Buffer.from('AP-REP'))

  await expect(exchange.next(Buffer.from('offer'))).rejects.toMatchObject({ denied: true })
})

it.each([
  ['Server not found in Kerberos database', true],
  ['Cannot contact any KDC for realm', false],
])('says why there is no ticket: %s', async (failure, denied) => {
  const { kerberos } = kerberosThat(new Uint8Array(), failure)
  const start = async () => createGssapi({ kerberos, serviceName: 'kafka' }, 'b').start(signal)

  await expect(start()).rejects.toMatchObject({ denied, message: `Get a Kerberos ticket for "kafka@b": ${failure}` })
})
