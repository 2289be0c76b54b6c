import { createHash, createHmac } from 'node:crypto'
import { sign } from 'aws4'
import { expect, it } from 'vitest'
import { createAwsMskIam, signedPayload } from '../../src/kafka/sasl-aws.ts'

const { signal } = new AbortController()
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const sessionToken = 'IQoJb3JpZ2luX2VjE+token/with=signs'
const host = 'b-1.example.abc.c2.kafka.eu-central-1.amazonaws.com'
const now = new Date('2026-11-30T01:02:03.456Z')

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, "Example: presigned URL"
it('the library signs the published example of a presigned request', () => {
  const { path } = sign(
    {
      service: 's3',
      region: 'us-east-1',
      host: 'examplebucket.s3.amazonaws.com',
      path: '/test.txt?X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400',
      signQuery: true,
    },
    { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  )

  expect(path).toContain('X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404')
})

/** The steps of https://github.com/aws/aws-msk-iam-auth#generating-the-authentication-payload, one by one. */
function signatureByHand(secret: string, payload: Readonly<Record<string, string>>): string {
  const encoded = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
  const parts: [string, string | undefined][] = [
    ['Action', payload['action']],
    ['X-Amz-Algorithm', payload['x-amz-algorithm']],
    ['X-Amz-Credential', payload['x-amz-credential']],
    ['X-Amz-Date', payload['x-amz-date']],
    ['X-Amz-Expires', payload['x-amz-expires']],
    ['X-Amz-Security-Token', payload['x-amz-security-token']],
    ['X-Amz-SignedHeaders', payload['x-amz-signedheaders']],
  ]
  const query = parts.flatMap(([name, value]) => (value === undefined ? [] : [`${encoded(name)}=${encoded(value)}`]))
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const canonical = ['GET', '/', query.join('&'), `host:${payload['host']}`, '', 'host', sha256('')].join('\n')
  const [, day = '', region = '', service = '', last = ''] = payload['x-amz-credential']?.split('/') ?? []
  const scope = [day, region, service, last].join('/')
  const toSign = ['AWS4-HMAC-SHA256', payload['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = [day, region, service, last].reduce<string | Buffer>(hmac, `AWS4${secret}`)
  return hmac(key, toSign).toString('hex')
}

it.each([undefined, sessionToken])('the payload has the documented form, session token %s', (token) => {
  const payload = signedPayload({ ...keys, sessionToken: token }, 'eu-central-1', host, now)

  expect(payload).toEqual({
    version: '2020_10_22',
    host,
    'user-agent': 'lagkeeper',
    action: 'kafka-cluster:Connect',
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': 'AKIDEXAMPLE/20261130/eu-central-1/kafka-cluster/aws4_request',
    'x-amz-date': '20261130T010203Z',
    ...(token === undefined ? {} : { 'x-amz-security-token': token }),
    'x-amz-signedheaders': 'host',
    'x-amz-expires': '900',
    'x-amz-signature': signatureByHand(keys.secretAccessKey, payload),
  })
})

// What software.amazon.msk:aws-msk-iam-auth:2.3.2 made of the same keys, host and time.
it.each([
  ['20261130T015900Z', undefined, '101ce403282740be8b4e605c4e5f614a78861fe5c6328869a0fd5873c77d6a6f'],
  ['20261130T015901Z', sessionToken, '29e518dbd0d36ecb97f3906853abe63ba1abc6c8363babcd23fe2f4eac2ddee1'],
])("the signature of %s is that of Amazon's own library", (date, token, signature) => {
  const [, y, mo, d, h, mi, sec] = /^(.{4})(..)(..)T(..)(..)(..)Z$/.exec(date) ?? []
  const at = new Date(`${y}-${mo}-${d}T${h}:${mi}:${sec}Z`)
  const broker = 'b-1.main.abc123.c2.kafka.eu-central-1.amazonaws.com'
  const payload = signedPayload({ ...keys, sessionToken: token }, 'eu-central-1', broker, at)

  expect(payload['x-amz-date']).toBe(date)
  expect(payload['x-amz-signature']).toBe(signature)
})

it('an exchange is over with the answer of the broker, and never sends the secret key', async () => {
  const exchange = createAwsMskIam({ region: 'eu-central-1', credentials: () => Promise.resolve(keys) }, host)

  const message = Buffer.from(await exchange.start(signal)).toString()

  expect(JSON.parse(message)).toMatchObject({ host, version: '2020_10_22' })
  expect(message).not.toContain(keys.secretAccessKey)
  expect(await exchange.next(Buffer.from('{"version":"2020_10_22","request-id":"r"}'))).toBeUndefined()
  expect(() => exchange.next(Buffer.alloc(0))).toThrow('expected that of a broker of MSK')
})
