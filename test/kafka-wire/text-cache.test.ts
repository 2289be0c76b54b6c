import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createTextCache } from '../../src/kafka-wire/text-cache.ts'
import { text } from './arbitraries.ts'

it('gives each text back, also when thousands fight for the same slots', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (texts) => {
      const cache = createTextCache()
      const many = [...texts, ...Array.from({ length: 500 }, (_, index) => `${texts[0]}${index}`), ...texts]

      for (const one of many) {
        const bytes = Buffer.from(`<${one}>`)
        const got = cache.get(bytes, 1, bytes.length - 1, (start, end) => bytes.toString('utf8', start, end))
        expect(got).toBe(one)
      }
    }),
    { numRuns: 50 },
  )
})

it('decodes a text that comes again only once', () => {
  const cache = createTextCache()
  const bytes = Buffer.from('Stable')
  let decoded = 0
  const decode = (start: number, end: number) => {
    decoded++
    return bytes.toString('utf8', start, end)
  }

  cache.get(bytes, 0, bytes.length, decode)
  cache.get(bytes, 0, bytes.length, decode)

  expect(decoded).toBe(1)
})
