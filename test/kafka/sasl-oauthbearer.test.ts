import { expect, it } from 'vitest'
import { createOauthBearer } from '../../src/kafka/sasl-oauthbearer.ts'

const signal = new AbortController().signal

function sourceOf(...tokens: readonly string[]) {
  let used = 0
  const forgotten: number[] = []
  return {
    forgotten,
    token: () => Promise.resolve(tokens[used++] ?? ''),
    forget: () => {
      forgotten.push(used)
    },
  }
}

it('sends the token and the extensions as RFC 7628 and KIP-342 write them', async () => {
  const exchange = createOauthBearer({ source: sourceOf('t0k.en'), extensions: { logicalCluster: 'lkc-1', pool: 'p' } })

  const message = Buffer.from(await exchange.start(signal)).toString()

  expect(message).toBe('n,,\x01auth=Bearer t0k.en\x01logicalCluster=lkc-1\x01pool=p\x01\x01')
  expect(await exchange.next(Buffer.alloc(0))).toBeUndefined()
})

it('answers the reason of a refusal with nothing, and repeats of it no more than the status', async () => {
  const exchange = createOauthBearer({ source: sourceOf('secret-token'), extensions: {} })
  await exchange.start(signal)

  const answer = await exchange.next(Buffer.from('{"status":"invalid_token","scope":"secret-token"}'))
  expect(Buffer.from(answer ?? []).toString()).toBe('\x01')

  const after = async () => exchange.next(Buffer.alloc(0))
  await expect(after()).rejects.toMatchObject({ denied: true, message: expect.stringContaining('invalid_token') })
  await expect(after()).rejects.not.toThrow('secret-token')
})

it('lets the source know that its token was not taken', () => {
  const source = sourceOf('a')
  createOauthBearer({ source, extensions: {} }).refused?.()

  expect(source.forgotten).toHaveLength(1)
})
