import { getHeapStatistics } from 'node:v8'
import { describe, expect, it } from 'vitest'
import { type ApiName, apis } from '../../src/kafka-wire/apis.ts'
import { chooseSeed, createMutator } from '../fakes/mutate.ts'
import { codecs } from './codecs.ts'
import { goldenDecoders, survives } from './decoders.ts'

const decoders = goldenDecoders()
const seed = chooseSeed()
console.info(`kafka-wire/hostile.test.ts: LAGKEEPER_SEED=${seed}`)

describe('a decoder that meets a hostile peer gives a value or a DecodeError', () => {
  it.each(decoders)('$name: has golden frames and takes them', (decoder) => {
    expect(decoder.frames.length).toBeGreaterThan(0)
    for (const frame of decoder.frames) expect(survives(decoder, frame)).toBe(true)
  })

  it.each(decoders)('$name: cut off at every byte', (decoder) => {
    for (const frame of decoder.frames)
      for (let length = 0; length < frame.length; length++)
        expect(survives(decoder, frame.subarray(0, length))).toBe(false)
  })

  it.each(decoders)('$name: 2,000 damaged frames', (decoder) => {
    const mutator = createMutator(seed)
    const all = decoders.flatMap(({ frames }) => frames)
    for (let round = 0; round < 2_000; round++) {
      const frames = round % 4 === 0 ? [...decoder.frames, ...all] : decoder.frames
      survives(decoder, mutator.mutate(frames))
    }
  })
})

describe('a lying length costs nothing', () => {
  const lies = ['7fffffff', 'ffffffff07', 'ffffffff0f', '00ffffff'].map((hex) => Buffer.from(hex, 'hex'))

  it.each(decoders)('$name: the largest lengths, at every byte', (decoder) => {
    let most = 0
    const [frame = Buffer.alloc(0)] = decoder.frames.toSorted((a, b) => a.length - b.length)
    for (const lie of lies)
      for (let at = 0; at + lie.length <= frame.length; at++) {
        const lying = Buffer.from(frame)
        lie.copy(lying, at)
        const before = usedBytes()
        survives(decoder, lying)
        most = Math.max(most, usedBytes() - before)
      }

    // Garbage of the test itself included; the smallest of the lies would cost 16 MiB.
    expect(most).toBeLessThan(4 * 1024 * 1024)
  })
})

describe('a frame full of the smallest entries costs memory in proportion', () => {
  const frameBytes = 1024 * 1024

  it.each<[ApiName, number, string, string, string]>([
    ['ApiVersions', 0, '0000 ########', '000000000000', ''],
    ['Metadata', 0, '00000000 ########', '00000000 00000000', ''],
    ['Metadata', 0, '00000000 ########', '0000 0000 00000001 0000 00000000 00000001 00000000 00000000', ''],
    ['Metadata', 12, '00000000 01 00 00000000 ####', `0000 01 ${'00'.repeat(16)} 00 01 00000000 00`, '00'],
    ['ListOffsets', 1, '########', '0000 00000000', ''],
    ['ListOffsets', 7, '00000000 ####', '01 01 00', '00'],
    ['OffsetFetch', 1, '########', '0000 00000000', ''],
    ['OffsetFetch', 8, '00000000 ####', '01 01 0000 00', '00'],
    ['OffsetFetch', 8, '00000000 02 01 ####', '01 01 00', '0000 00 00'],
    ['FindCoordinator', 4, '00000000 ####', '01 00000000 01 00000000 0000 00 00', '00'],
    ['ListGroups', 0, '0000 ########', '0000 0000', ''],
    ['ListGroups', 5, '00000000 0000 ####', '01 01 01 01 00', '00'],
    ['DescribeGroups', 0, '########', '0000 0000 0000 0000 0000 00000000', ''],
    ['DescribeGroups', 5, '00000000 02 0000 01 01 01 01 ####', '01 00 01 01 01 01 00', '00000000 00 00'],
    ['SaslHandshake', 1, '0000 ########', '0000', ''],
    ['OffsetForLeaderEpoch', 2, '00000000 ########', '0000 00000000', ''],
    ['Fetch', 4, '00000000 ########', '0000 00000000', ''],
    ['Fetch', 4, '00000000 00000001 0000 ########', `${'00'.repeat(22)} ffffffff ffffffff`, ''],
    ['DescribeConfigs', 0, '00000000 ########', '0000 0000 00 0000 00000000', ''],
    ['DescribeConfigs', 1, '00000000 00000001 0000 0000 02 0000 ########', '0000 0000 00 00 00 00000000', ''],
    ['DescribeConfigs', 4, '00000000 ####', '0000 00 02 01 01 00', '00'],
    ['DescribeConfigs', 4, '00000000 02 0000 00 02 01 ####', '01 00 00 00 00 01 00 00 00', '00 00'],
    ['DescribeLogDirs', 1, '00000000 ########', '0000 0000 00000000', ''],
    ['DescribeLogDirs', 3, '00000000 0000 ####', '0000 01 01 00', '00'],
    ['DescribeLogDirs', 3, '00000000 0000 02 0000 01 ####', '01 01 00', '00 00'],
    ['ConsumerGroupDescribe', 0, '00000000 ####', `0000 00 01 01 ${'00'.repeat(8)} 01 01 ${'00'.repeat(4)} 00`, '00'],
    ['ShareGroupDescribe', 1, '00000000 ####', `0000 00 01 01 ${'00'.repeat(8)} 01 01 ${'00'.repeat(4)} 00`, '00'],
    ['StreamsGroupDescribe', 0, '00000000 ####', `0000 00 01 01 ${'00'.repeat(8)} ff 01 ${'00'.repeat(4)} 00`, '00'],
    ['DescribeShareGroupOffsets', 1, '00000000 ####', '01 01 0000 00 00', '00'],
    ['DescribeShareGroupOffsets', 1, '00000000 02 01 ####', `01 ${'00'.repeat(16)} 01 00`, '0000 00 00 00'],
  ])('%s v%i: %s', (name, version, head, entry, tail) => {
    const codec = codecs.find(({ api }) => api === apis[name])
    const body = fill(frameBytes, head, entry, tail)

    const before = usedBytes()
    const value = codec?.decodeResponse(version, body)
    const grown = usedBytes() - before

    expect(value).toBeDefined()
    expect(grown).toBeLessThan(64 * frameBytes)
  })
})

function usedBytes(): number {
  const { used_heap_size: onHeap, external_memory: offHeap } = getHeapStatistics()
  return onHeap + offHeap
}

/** A body of about `size` bytes; the count of its entries goes where `head` has `########`, or `####` as a varint. */
function fill(size: number, head: string, entry: string, tail: string): Buffer {
  const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const one = bytes(entry)
  const count = Math.floor(size / one.length)
  const classic = count.toString(16).padStart(8, '0')
  const [a, b, c] = [count + 1, (count + 1) >> 7, (count + 1) >> 14]
  const compact = Buffer.of((a & 0x7f) | 0x80, (b & 0x7f) | 0x80, c).toString('hex')
  const start = bytes(head.replace('########', classic).replace('####', compact))
  return Buffer.concat([start, Buffer.alloc(count * one.length, one), bytes(tail)])
}
