import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { runInTurns } from '../runtime/breathe.ts'
import { DecodeError, describeError } from '../runtime/errors.ts'
import { createCycleDecoder } from './cycle-decoder.ts'
import { createFrameCutter } from './frames.ts'
import type { RecordedCycle, RecordingHead } from './recorded-cycle.ts'
import { readHead } from './recorded-words.ts'

/** What was read of a recording, once it is over. */
export interface RecordingEnd {
  readonly cycles: number
  /** Bytes of the file. */
  readonly bytes: number
  /** Why the recording breaks off; absent when it was closed in order. */
  readonly broken?: string
}

export interface Recording {
  readonly head: RecordingHead
  /** To be walked through once. Throws only when the signal aborts. */
  readonly cycles: AsyncGenerator<RecordedCycle, RecordingEnd>
}

/**
 * Opens a recording. A tail that is cut or damaged ends its cycles, and the end says so.
 *
 * @throws DecodeError when the file cannot be read or is no recording
 */
export async function openRecording(path: string, signal: AbortSignal): Promise<Recording> {
  const size = await stat(path).catch((cause: unknown) => {
    throw new DecodeError(`Read "${path}": ${describeError(cause)}`, { cause })
  })
  if (!size.isFile()) throw new DecodeError(`Read "${path}": not a file, expected a recording of lagkeeper record`)
  const found = frames(path, signal)
  const first = await found.next().catch((cause: unknown) => {
    signal.throwIfAborted()
    throw new DecodeError(`Read "${path}": not a recording of lagkeeper record`, { cause })
  })
  if (first.done === true || first.value.kind !== 'head')
    throw new DecodeError(`Read "${path}": not a recording of lagkeeper record: it has no beginning`)
  const head = readHead(first.value.payload.toString('utf8'))
  return { head, cycles: cyclesOf(found, size.size, signal) }
}

async function* frames(path: string, signal: AbortSignal) {
  const cutter = createFrameCutter()
  const source = createReadStream(path, { signal })
  // Whoever reads the unpacked bytes gets the errors of both.
  const unpacked = pipeline(source, createGunzip(), () => undefined)
  for await (const bytes of unpacked) yield* cutter.push(bytes)
  if (cutter.isCut()) throw new DecodeError('Read a frame: the file ends within it')
}

async function* cyclesOf(
  found: ReturnType<typeof frames>,
  bytes: number,
  signal: AbortSignal,
): AsyncGenerator<RecordedCycle, RecordingEnd> {
  const decoder = createCycleDecoder()
  let cycles = 0
  try {
    for await (const { kind, payload } of found) {
      if (kind === 'end') return { cycles, bytes }
      if (kind === 'head') throw new DecodeError('Read a frame: a second beginning')
      const cycle = await runInTurns(decoder.decode(payload))
      cycles++
      yield cycle
    }
  } catch (error) {
    if (signal.aborted || !isOfFile(error)) throw error
    return { cycles, bytes, broken: describeError(error) }
  }
  return { cycles, bytes, broken: 'it was not closed: the recorder was killed, or is still at it' }
}

/** Errors of the disk and of unpacking have a code. */
function isOfFile(error: unknown): boolean {
  return error instanceof DecodeError || (error instanceof Error && 'code' in error)
}
