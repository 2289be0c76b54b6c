import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeConsumerAssignment, encodeConsumerAssignment } from '../../src/kafka-wire/consumer-assignment.ts'
import { bytes, partitions, text } from './arbitraries.ts'

describe('consumer assignment', () => {
  it.each([0, 1, 2, 3, 9])('of version %i is read as it was written', (version) => {
    fc.assert(
      fc.property(fc.array(fc.record({ name: text, partitions })), (topics) => {
        expect(decodeConsumerAssignment(encodeConsumerAssignment(version, topics))).toEqual(topics)
      }),
    )
  })

  it('may have user data and, after a later version, more', () => {
    const body = Buffer.from('0000 00000001 0001 74 00000001 00000002 00000003 aabbcc dd'.replaceAll(' ', ''), 'hex')

    expect(decodeConsumerAssignment(body)).toEqual([{ name: 't', partitions: Int32Array.of(2) }])
  })

  it('is not known of a member that has none yet', () => {
    expect(decodeConsumerAssignment(Buffer.alloc(0))).toBeUndefined()
  })

  it.each(['ffff00000000ffffffff', '00007fffffff', '0000000000010001ff00000000ffffffff', '0003fffffffe'])(
    'is not known of %s',
    (hex) => {
      expect(decodeConsumerAssignment(Buffer.from(hex, 'hex'))).toBeUndefined()
    },
  )

  it('never throws', () => {
    fc.assert(fc.property(bytes, (garbage) => void decodeConsumerAssignment(garbage)))
  })
})
