import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createCycleDecoder } from '../../src/replay/cycle-decoder.ts'
import { bannerBytes, createFrameCutter, frameBytes } from '../../src/replay/frames.ts'
import { openRecording, type RecordingEnd } from '../../src/replay/read-recording.ts'
import type { RecordedCycle } from '../../src/replay/recorded-cycle.ts'
import { createRecording } from '../../src/replay/write-recording.ts'
import { runInTurns } from '../../src/runtime/breathe.ts'
import { ConfigError, DecodeError } from '../../src/runtime/errors.ts'
import { recordWorld } from './recorded-world.ts'
import { stalledEvening } from './worlds.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-recording-'))
const whole = join(folder, 'whole')
const signal = new AbortController().signal
const head = { kafkaCluster: 'sim', intervalMs: 15_000, startedAt: 0, recordedBy: '0.0.0' }

beforeAll(async () => {
  await recordWorld(stalledEvening(whole, 50))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function read(file: string): Promise<{ cycles: readonly RecordedCycle[]; end: RecordingEnd }> {
  const recording = await openRecording(file, signal)
  const cycles: RecordedCycle[] = []
  let next = await recording.cycles.next()
  for (; next.done !== true; next = await recording.cycles.next()) cycles.push(next.value)
  return { cycles, end: next.value }
}

function put(bytes: Uint8Array): string {
  const path = join(folder, 'other')
  writeFileSync(path, bytes)
  return path
}

describe('a recording', () => {
  it('is read to its end, and any gunzip can unpack it', async () => {
    const { cycles, end } = await read(whole)

    expect(cycles.map(({ cycle }) => cycle)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    expect(end).toEqual({ cycles: 50, bytes: readFileSync(whole).length })
    expect(gunzipSync(readFileSync(whole)).toString('latin1')).toMatch(/^lagkeeper recording 1\n/)
  })

  it('has times that keep their order when they are rounded', async () => {
    for (const { startedAt, takenAt, sources, ends } of (await read(whole)).cycles) {
      const times = sources.flatMap(({ batches }) => batches.map((batch) => batch.takenAt))
      expect(startedAt).toBeLessThanOrEqual(Math.min(...times))
      for (const { sentAt, receivedAt } of ends.evidence) {
        expect(sentAt).toBeGreaterThanOrEqual(Math.max(...times))
        expect(receivedAt).toBeGreaterThanOrEqual(sentAt)
        expect(takenAt).toBeGreaterThanOrEqual(receivedAt)
      }
    }
  })

  it('that was cut anywhere gives the cycles before the cut, and says that it breaks off', async () => {
    const bytes = readFileSync(whole)
    const { cycles: all } = await read(whole)
    const counts: number[] = []
    for (let cut = bytes.length - 1; cut > 0; cut -= 97) {
      const path = put(bytes.subarray(0, cut))
      try {
        const { cycles, end } = await read(path)
        expect(cycles).toEqual(all.slice(0, cycles.length))
        if (cycles.length < all.length) expect(end.broken).toBeTypeOf('string')
        counts.push(cycles.length)
      } catch (error) {
        // Not even the beginning is there.
        expect(error).toBeInstanceOf(DecodeError)
      }
    }
    expect(counts[0]).toBeGreaterThanOrEqual(40)
    expect(counts.at(-1)).toBeLessThan(20)
  })

  it('that was damaged never gives a cycle that was not recorded', async () => {
    const bytes = readFileSync(whole)
    const { cycles: all } = await read(whole)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const other = Buffer.from(bytes)
        other[at] = (other[at]! + by) % 256
        try {
          const { cycles } = await read(put(other))
          expect(cycles).toEqual(all.slice(0, cycles.length))
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
        }
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    ['that is not there', undefined, /ENOENT/],
    ['that is empty', Buffer.alloc(0), /not a recording of lagkeeper record/],
    ['of another kind', Buffer.from('kafka_cluster,topic\n'), /not a recording of lagkeeper record/],
    ['that is some other gzip file', gzipSync('a long story about nothing in particular'), /not a recording/],
    ['of a later version', gzipSync('lagkeeper recording 2\n'), /not a recording/],
  ])('%s is refused', async (_, bytes, message) => {
    const path = bytes === undefined ? join(folder, 'nothing') : put(bytes)

    await expect(openRecording(path, signal)).rejects.toThrow(DecodeError)
    await expect(openRecording(path, signal)).rejects.toThrow(message)
  })

  it('tells the version that it has where another is expected', async () => {
    const error = await openRecording(put(gzipSync('lagkeeper recording 2\n')), signal).catch((cause: unknown) => cause)

    expect(error).toMatchObject({ cause: { message: 'Read a recording: version 2, expected 1' } })
  })

  it('does not pretend to be whole when the disk was full', async () => {
    const { cycles } = await read(whole)
    const path = join(folder, 'full')
    const recording = await createRecording(path, head, 0)
    const handle = await open(path)
    const append = vi.spyOn(Object.getPrototypeOf(handle), 'appendFile')
    await handle.close()
    append.mockRejectedValueOnce(new Error('ENOSPC: no space left on device'))
    try {
      await expect(
        (async () => {
          for (const cycle of cycles) await recording.add(cycle)
        })(),
      ).rejects.toThrow('ENOSPC')
    } finally {
      await recording.close()
      append.mockRestore()
    }

    expect(await read(path)).toMatchObject({ cycles: [], end: { broken: expect.stringContaining('not closed') } })
  })

  it('is not written over a file that exists', async () => {
    await expect(createRecording(whole, head, 0)).rejects.toThrow(ConfigError)
    await expect(createRecording(whole, head, 0)).rejects.toThrow(/exists, expected a new file/)
  })
})

describe('a frame of somebody else', () => {
  it('is an error, takes no time, and allocates nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const before = process.memoryUsage().arrayBuffers
        try {
          await runInTurns(createCycleDecoder().decode(Buffer.from(bytes)))
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
        }
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20)
      }),
      { numRuns: 2_000 },
    )
  })

  it('that was nearly ours is an error, or some cycle', async () => {
    const frames = [...createFrameCutter().push(gunzipSync(readFileSync(whole)))].filter(({ kind }) => kind === 'cycle')
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (nth, at, by) => {
          const decoder = createCycleDecoder()
          for (const { payload } of frames.slice(0, nth)) await runInTurns(decoder.decode(payload))
          const payload = Buffer.from(frames[nth]!.payload)
          payload[at % payload.length] = (payload[at % payload.length]! + by) % 256
          try {
            await runInTurns(decoder.decode(payload))
          } catch (error) {
            if (!(error instanceof DecodeError)) throw error
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('ends the recording where it stands', async () => {
    const start = [bannerBytes(), frameBytes('head', Buffer.from(JSON.stringify(head)))]
    const { cycles, end } = await read(
      put(gzipSync(Buffer.concat([...start, frameBytes('cycle', Buffer.from([1, 2]))]))),
    )

    expect(cycles).toEqual([])
    expect(end.broken).toMatch(/^Read /)
  })
})
