import { describe, expect, it } from 'vitest'
import { encodeRecordBatch, recordBatches } from '../../src/kafka-wire/record-batch.ts'
import { DecodeError } from '../../src/runtime/errors.ts'

const data = { baseOffset: 5n, lastOffset: 9n, records: 5, transactional: true, control: false }
const end = { baseOffset: 10n, lastOffset: 10n, records: 1, transactional: true, control: true }
const far = { baseOffset: 2n ** 62n, lastOffset: 2n ** 62n, records: 0, transactional: false, control: false }

/** A message of the format before v2: offset, size, checksum, magic, attributes, key and value that are null. */
function oldMessage(offset: bigint, magic: 0 | 1): Buffer {
  const bytes = Buffer.alloc(12 + (magic === 0 ? 14 : 22))
  bytes.writeBigInt64BE(offset, 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt8(magic, 16)
  return bytes
}

describe('recordBatches()', () => {
  it('tells batches and ends of transactions apart', () => {
    const bytes = Buffer.concat([data, end, far].map((batch) => encodeRecordBatch(batch, batch.records * 7)))

    expect([...recordBatches(bytes)]).toEqual([data, end, far])
  })

  it('tells of a batch that is cut off within its records, and not of one without a whole header', () => {
    const bytes = Buffer.concat([encodeRecordBatch(end), encodeRecordBatch(data, 100)])

    expect([...recordBatches(bytes.subarray(0, bytes.length - 40))]).toEqual([end, data])
    expect([...recordBatches(bytes.subarray(0, 61 + 60))]).toEqual([end])
    expect([...recordBatches(bytes.subarray(0, 10))]).toEqual([])
  })

  it.each([0, 1] as const)('tells messages of format %i one by one', (magic) => {
    const bytes = Buffer.concat([oldMessage(3n, magic), oldMessage(4n, magic)])

    expect([...recordBatches(bytes)].map(({ baseOffset, control, records }) => [baseOffset, control, records])).toEqual(
      [
        [3n, false, 1],
        [4n, false, 1],
      ],
    )
  })

  it.each([-1, 0, 4, 48])('refuses a length of %i', (length) => {
    const bytes = encodeRecordBatch(data, 100)
    bytes.writeInt32BE(length, 8)

    expect(() => [...recordBatches(bytes)]).toThrow(DecodeError)
  })
})
