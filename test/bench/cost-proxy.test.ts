import { describe, expect, it } from 'vitest'
import { cpuSeconds, peakRssMiB } from '../../bench/cost-process.ts'
import { requestCounter } from '../../bench/cost-proxy.ts'

function request(apiKey: number, bytes: number): Buffer {
  const frame = Buffer.alloc(4 + 2 + bytes, 0xff)
  frame.writeInt32BE(2 + bytes)
  frame.writeInt16BE(apiKey, 4)
  return frame
}

describe('requestCounter()', () => {
  const stream = Buffer.concat([request(18, 8), request(3, 0), request(9, 70_000), request(2, 1)])

  it.each([1, 3, 5, 6, 7, 1_000, 1_000_000])('sees every request in pieces of %i bytes', (size) => {
    const seen: number[] = []
    const count = requestCounter((key) => seen.push(key))
    for (let at = 0; at < stream.length; at += size) count(stream.subarray(at, at + size))

    expect(seen).toEqual([18, 3, 9, 2])
  })
})

describe('what the kernel counts of a process', () => {
  it('is processor time that grows with work, and memory', () => {
    const before = cpuSeconds(process.pid)
    // Others may have the processor for most of it.
    const givenUpAt = performance.now() + 15_000
    while (cpuSeconds(process.pid) - before < 0.05 && performance.now() < givenUpAt) Math.sqrt(2)

    expect(cpuSeconds(process.pid) - before).toBeGreaterThanOrEqual(0.05)
    expect(peakRssMiB(process.pid)).toBeGreaterThan(10)
  })
})
