import { readFile, stat } from 'node:fs/promises'
import type { KeptLines } from '../model/kept-lines.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { replaceFileBy } from '../runtime/durable-file.ts'
import { describeError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'

export interface KeptFileOptions {
  readonly path: string
  /** A larger one is not of ours. */
  readonly mostBytes: number
  /** Lines of the log. */
  readonly says: { readonly beginsAnew: string; readonly notSaved: string; readonly savedAgain: string }
  readonly clock: Clock
  readonly logger: Logger
}

/** What one process leaves to the next, in a file that is replaced whole. */
export interface KeptFile {
  /**
   * Hands over what an earlier process left, if there is something. When it cannot be used, or the disk does not answer
   * for ten seconds, that is told of. Rejects only when the signal aborts.
   *
   * @param take what it throws makes the file one that cannot be used
   */
  load(take: (text: string) => Promise<void> | void, signal: AbortSignal): Promise<void>
  /** True when it was saved; what goes wrong is told of once, and when it goes well again. */
  save(lines: Iterable<string>): Promise<boolean>
  /** Waits for the last work, two seconds at most. */
  finish(work: () => Promise<void>): Promise<void>
}

const LOAD_MS = 10_000
const FINISH_MS = 2_000

export function createKeptFile({ path, mostBytes, says, clock, logger }: KeptFileOptions): KeptFile {
  let isFailing = false
  return {
    load: async (take, signal) => {
      try {
        const text = await withDeadline(`Read "${path}"`, LOAD_MS, signal, () => readText(path, mostBytes))
        if (text !== undefined) await take(text)
      } catch (error) {
        if (signal.aborted) throw error
        logger.warn({ file: path, error: describeError(error) }, says.beginsAnew)
      }
    },
    save: async (lines) => {
      try {
        await replaceFileBy(path, lines)
        if (isFailing) logger.info({ file: path }, says.savedAgain)
        isFailing = false
        return true
      } catch (error) {
        if (!isFailing) logger.warn({ file: path, error: describeError(error) }, says.notSaved)
        isFailing = true
        return false
      }
    },
    finish: async (work) => {
      const ending = new AbortController()
      const finished = work().finally(() => ending.abort())
      await Promise.race([finished, clock.sleep(FINISH_MS, ending.signal)])
    },
  }
}

/** Line by line, for others to run in between. @throws Error when it is not what was written */
export async function readLines<T>(text: string, reader: KeptLines<T>): Promise<T> {
  const breathe = breather()
  let number = 0
  for (let from = 0; from < text.length; ) {
    const to = text.indexOf('\n', from)
    const end = to < 0 ? text.length : to
    number++
    const wrong = reader.take(text.slice(from, end))
    if (wrong !== undefined) throw new Error(`line ${number}: ${wrong}`)
    from = end + 1
    await breathe()
  }
  const found = reader.done()
  if (found === undefined) throw new Error(`line ${number}: the file breaks off`)
  return found
}

/** Undefined when there is no such file. */
async function readText(path: string, mostBytes: number): Promise<string | undefined> {
  try {
    const { size } = await stat(path)
    if (size > mostBytes) throw new Error(`${size} bytes, expected at most ${mostBytes}`)
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
