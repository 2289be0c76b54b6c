import { describe, expect, it } from 'vitest'
import { nearest } from '../../src/config/nearest.ts'

describe('nearest()', () => {
  const known = ['bootstrap', 'name', 'topics', 'interval', 'internal_topics', 'tls']

  it.each([
    ['bootstap', 'bootstrap'],
    ['bootsrtap', 'bootstrap'],
    ['Name', 'name'],
    ['topic', 'topics'],
    ['intervall', 'interval'],
    ['internal_topic', 'internal_topics'],
    ['tsl', 'tls'],
  ])('takes %s for %s', (word, meant) => {
    expect(nearest(word, known)).toBe(meant)
  })

  it.each(['granularity', '', 'x', 'ab', 'xyz'])('does not guess at %j', (word) => {
    expect(nearest(word, known)).toBeUndefined()
  })
})
