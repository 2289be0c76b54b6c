import { describe, expect, it } from 'vitest'
import { load, problemsOf } from './sample-schema.ts'

describe('references to the environment', () => {
  const env = { NAME: 'abc', EMPTY: '', N: '5', YES: 'false' }

  it.each([
    [`\${NAME}`, 'abc'],
    [`x\${NAME}y`, 'xabcy'],
    [`\${NAME}\${NAME}`, 'abcabc'],
    [`\${NONE:-abc}`, 'abc'],
    [`\${EMPTY:-abc}`, 'abc'],
    [`a\${NONE:-}`, 'a'],
  ])('%s becomes %s', (written, value) => {
    expect(load(`servers: [ { name: "${written}" } ]`, { env }).servers?.[0]?.name).toBe(value)
  })

  it.each([
    [`$\${NAME}`, `\${NAME}`],
    [`$$\${NAME}`, `$\${NAME}`],
    ['cost$', 'cost$'],
    ['$NAME', '$NAME'],
    [`a$\${NAME}b\${NAME}`, `a\${NAME}babc`],
  ])('%s stands for %s', (written, value) => {
    expect(load(`servers: [ { name: a, password: "${written}" } ]`, { env }).servers?.[0]?.password?.reveal()).toBe(
      value,
    )
  })

  it('may hold numbers and truth values, and may not bring in YAML', () => {
    const config = load(`servers: [ { name: a, retries: "\${N}", verify: "\${YES}" } ]`, { env })

    expect(config.servers?.[0]).toMatchObject({ retries: 5, verify: false })
    expect(problemsOf(`servers: "\${X}"`, { env: { X: '[ { name: a } ]' } })).toEqual([
      'servers (1:10): text, expected a list',
    ])
  })

  it('takes a number as text where text belongs', () => {
    expect(load('servers: [ { name: a, password: 0123 } ]').servers?.[0]?.password?.reveal()).toBe('0123')
  })
})
