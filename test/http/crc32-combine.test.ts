import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { combineCrc32 } from '../../src/http/crc32-combine.ts'

const bytes = fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: 1_000, maxLength: 70_000 }))

it('combineCrc32() is the checksum of both texts together', () => {
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      const whole = crc32(Buffer.concat([first, second]))

      expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(whole)
    }),
  )
})

it('combineCrc32() counts lengths beyond 32 bits', () => {
  // A megabyte of zeros moves a checksum 2^13 times as far as 128 of them do, however the way is cut.
  const zeros = crc32(Buffer.alloc(2 ** 20))
  let far = crc32(Buffer.from('a'))
  for (let times = 0; times < 2 ** 13; times++) far = combineCrc32(far, zeros, 2 ** 20)
  let once = zeros
  for (let doubled = 0; doubled < 13; doubled++) once = combineCrc32(once, once, 2 ** (20 + doubled))

  expect(combineCrc32(crc32(Buffer.from('a')), once, 2 ** 33)).toBe(far)
})
