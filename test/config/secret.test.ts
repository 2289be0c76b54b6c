import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/config/secret.ts'

const canary = 'hunter2-canary'

describe('a secret', () => {
  it.each([
    ['a template', (secret: Secret) => `${secret}`],
    ['String', (secret: Secret) => String(secret)],
    ['concatenation', (secret: Secret) => `password: ${secret}`],
    ['JSON', (secret: Secret) => JSON.stringify({ secret })],
    ['inspect', (secret: Secret) => inspect({ nested: { secret } }, { depth: 9, showHidden: true })],
    ['inspect on its own', (secret: Secret) => inspect(secret)],
    ['an error', (secret: Secret) => String(new Error(`Log in failed: ${secret}`))],
    ['its own keys', (secret: Secret) => Object.getOwnPropertyNames(secret).join()],
    ['a clone', (secret: Secret) => inspect({ ...secret })],
  ])('does not show in %s', (_, print) => {
    expect(print(new Secret(canary))).not.toContain(canary)
  })

  it('gives its text to whoever asks for it by name', () => {
    expect(new Secret(canary).reveal()).toBe(canary)
  })
})
