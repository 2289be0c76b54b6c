import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { runInTurns } from '../runtime/breathe.ts'
import { ConfigError, describeError } from '../runtime/errors.ts'
import { createCycleEncoder } from './cycle-encoder.ts'
import { bannerBytes, frameBytes } from './frames.ts'
import type { RecordedCycle, RecordingHead } from './recorded-cycle.ts'

/** A recording while it is written. Every method rejects with the error of the disk. */
export interface RecordingWriter {
  /** One after the other. */
  add(cycle: RecordedCycle): Promise<void>
  /** Bytes of the file, and about what is still in memory. */
  bytes(): number
  /** Writes what is in memory and that the recording is over; only lets go of the file after an error. */
  close(): Promise<void>
}

/** Cycles of one gzip member: what is lost when the process is killed, or the file is cut. */
const CYCLES_PER_MEMBER = 20
const BYTES_PER_MEMBER = 4 << 20

const pack = promisify(gzip)

/**
 * Begins a recording in a file that does not exist yet.
 *
 * @param zero the monotonic clock as the recording begins
 * @throws ConfigError when the file cannot be made
 */
export async function createRecording(path: string, head: RecordingHead, zero: number): Promise<RecordingWriter> {
  const file = await open(path, 'wx', 0o640).catch((cause: unknown) => {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
    const why = exists ? 'exists, expected a new file' : describeError(cause)
    throw new ConfigError([`--output: "${path}": ${why}`], { cause })
  })
  const encoder = createCycleEncoder(zero)
  let pending: Buffer[] = [bannerBytes(), frameBytes('head', Buffer.from(JSON.stringify(head)))]
  let pendingBytes = 0
  let cycles = 0
  let written = 0
  /** False once something could not be written: whatever came behind it would hide that. */
  let isWhole = true

  async function flush(): Promise<void> {
    if (pending.length === 0) return
    const member = await pack(Buffer.concat(pending))
    pending = []
    pendingBytes = 0
    cycles = 0
    isWhole = false
    await file.appendFile(member)
    isWhole = true
    written += member.length
  }

  // So that a file stands there from the start that says what it is.
  await flush()
  return {
    bytes: () => written + pendingBytes,
    add: async (cycle) => {
      const frame = frameBytes('cycle', await runInTurns(encoder.encode(cycle)))
      pending.push(frame)
      pendingBytes += frame.length
      if (++cycles >= CYCLES_PER_MEMBER || pendingBytes >= BYTES_PER_MEMBER) await flush()
    },
    close: async () => {
      try {
        if (!isWhole) return
        pending.push(frameBytes('end', Buffer.alloc(0)))
        await flush()
        await file.sync()
      } finally {
        await file.close()
      }
    },
  }
}
