import { describe, expect, it } from 'vitest'
import { DecodeError } from '../../src/runtime/errors.ts'
import { encode, JuteReader, JuteWriter } from '../../src/zookeeper/jute.ts'
import { multiReply } from '../../src/zookeeper/multi.ts'
import { connectRequest, connectResponse } from '../../src/zookeeper/records.ts'
import { specimens } from './frames.ts'

describe('records', () => {
  it.each(specimens.map((one) => [one.name, one] as const))(
    '%s is read as it was written',
    (_, { frames, roundTrip }) => {
      expect(frames.map(roundTrip)).toEqual(frames)
    },
  )

  it.each(specimens.map((one) => [one.name, one] as const))('%s refuses every shorter frame', (_, specimen) => {
    for (const frame of specimen.frames)
      for (let length = 0; length < frame.length; length++) {
        const shorter = frame.subarray(0, length)
        // What stays readable is another whole value: a flag or an extension that older peers leave out.
        const outcome = attempt(() => specimen.roundTrip(shorter))
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(DecodeError)
        else expect(['connectRequest', 'connectResponse', 'setWatches']).toContain(specimen.name)
      }
  })

  it('writes the handshake byte for byte as ZooKeeper 3.9 reads it', () => {
    const hello = { lastZxidSeen: 258n, timeoutMs: 6_000, sessionId: 1n, password: Buffer.alloc(2, 9), readOnly: true }

    const bytes = encode((writer) => connectRequest.write(writer, hello))

    expect(bytes.toString('hex')).toBe(
      `00000000${'0000000000000102'}${'00001770'}${'0000000000000001'}${'00000002'}0909${'01'}`,
    )
  })

  it('reads a handshake of a server that knows no read-only flag', () => {
    const bytes = Buffer.from(`00000000${'00000fa0'}${'0000000000000007'}${'00000001'}aa`, 'hex')

    expect(connectResponse.read(new JuteReader(bytes))).toEqual({
      timeoutMs: 4_000,
      sessionId: 7n,
      password: Buffer.from([0xaa]),
      readOnly: false,
    })
  })

  it('refuses an operation type that nobody knows', () => {
    const bytes = encode((writer) => {
      writer.int(99)
      writer.bool(false)
      writer.int(0)
    })

    expect(() => multiReply.read(new JuteReader(bytes))).toThrow(/operation type 99/)
  })
})

describe('jute', () => {
  it.each([
    ['a count that the frame cannot hold', '7fffffff', /2147483647 items do not fit/],
    ['a negative count', 'fffffffe', /length -2, expected -1 or more/],
  ])('refuses %s before taking memory for it', (_, hex, message) => {
    const reader = new JuteReader(Buffer.from(hex, 'hex'))

    expect(() => reader.list(4, reader.text)).toThrow(message)
  })

  it('reads null as nothing', () => {
    const reader = new JuteReader(Buffer.from('ffffffff'.repeat(3), 'hex'))

    expect([reader.buffer(), reader.text(), reader.list(4, reader.text)]).toEqual([undefined, '', []])
  })

  it('copies buffers, so that a small value does not hold a big frame', () => {
    const frame = Buffer.from('0000000161', 'hex')
    const value = new JuteReader(frame).buffer()

    frame.fill(0)

    expect(value).toEqual(Buffer.from('a'))
  })

  it('grows as needed', () => {
    const writer = new JuteWriter(1)
    writer.text('ü'.repeat(1_000))
    writer.long(-2n)

    const reader = new JuteReader(writer.done())

    expect([reader.text(), reader.long(), reader.left()]).toEqual(['ü'.repeat(1_000), -2n, 0])
  })
})

function attempt<T>(work: () => T): T | Error {
  try {
    return work()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
