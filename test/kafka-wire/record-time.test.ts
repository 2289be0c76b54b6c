import { describe, expect, it } from 'vitest'
import { encodeRecordBatch, encodeStampedBatch } from '../../src/kafka-wire/record-batch.ts'
import { recordTime } from '../../src/kafka-wire/record-time.ts'
import { DecodeError } from '../../src/runtime/errors.ts'

const plain = { transactional: false, control: false }
const first = { ...plain, baseOffset: 5n, lastOffset: 9n, records: 5 }
const emptied = { ...plain, baseOffset: 10n, lastOffset: 12n, records: 0 }
const second = { ...plain, baseOffset: 20n, lastOffset: 319n, records: 300 }
const AT = 1_700_000_000_000
const log = Buffer.concat([
  encodeStampedBatch(first, AT),
  encodeRecordBatch(emptied),
  encodeStampedBatch(second, AT + 7),
])
const exact = (at: number, offset: bigint) => ({ kind: 'record', at, offset, isAppendTime: false })

/** Changes the attributes of a batch: compression in the lowest three bits, the broker's stamp in the fourth. */
function marked(batch: Buffer, bits: number): Buffer {
  const bytes = Buffer.from(batch)
  bytes.writeInt16BE(bytes.readInt16BE(21) | bits, 21)
  return bytes
}

describe('recordTime()', () => {
  it('finds the record at an offset, or the next one that is still there', () => {
    expect(recordTime(log, 5n)).toEqual(exact(AT, 5n))
    expect(recordTime(log, 9n)).toEqual(exact(AT, 9n))
    expect(recordTime(log, 10n)).toEqual(exact(AT + 7, 20n))
    expect(recordTime(log, 319n)).toEqual(exact(AT + 7, 319n))
    expect(recordTime(log, 320n)).toBeUndefined()
    expect(recordTime(Buffer.alloc(0), 0n)).toBeUndefined()
  })

  it('tells of the batch alone where the record is compressed or cut off', () => {
    expect(recordTime(marked(log, 4), 7n)).toEqual({ kind: 'batch', latest: AT, offset: 7n })
    expect(recordTime(marked(encodeStampedBatch(second, AT), 4), 7n)).toEqual({
      kind: 'batch',
      latest: AT,
      offset: 20n,
    })
    const cut = encodeStampedBatch(second, AT).subarray(0, 200)
    expect(recordTime(cut, 20n)).toEqual(exact(AT, 20n))
    expect(recordTime(cut, 300n)).toEqual({ kind: 'batch', latest: AT, offset: 300n })
    expect(recordTime(cut.subarray(0, 60), 20n)).toBeUndefined()
  })

  it('needs no look inside where the broker stamps, or where there is one record', () => {
    expect(recordTime(marked(encodeStampedBatch(first, AT), 4 | 8), 7n)).toEqual({
      ...{ kind: 'record', at: AT, offset: 7n, isAppendTime: true },
    })
    const one = { ...plain, baseOffset: 5n, lastOffset: 5n, records: 1 }
    expect(recordTime(marked(encodeStampedBatch(one, AT), 4), 5n)).toEqual({
      ...{ kind: 'record', at: AT, offset: 5n, isAppendTime: false },
    })
  })

  it('says that there is no timestamp, in a batch without one and in formats before v2', () => {
    expect(recordTime(encodeRecordBatch(first, 50), 6n)).toEqual({ kind: 'none' })
    const old = Buffer.alloc(40)
    old.writeInt32BE(28, 8)
    old.writeInt8(1, 16)
    expect(recordTime(old, 0n)).toEqual({ kind: 'none' })
  })

  it('reads what it can of damaged bytes, and refuses the rest', () => {
    for (let at = 0; at < log.length; at++)
      for (const byte of [0x00, 0x7f, 0x80, 0xff]) {
        const damaged = Buffer.from(log)
        damaged[at] = byte
        try {
          recordTime(damaged, 25n)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }
  })
})
