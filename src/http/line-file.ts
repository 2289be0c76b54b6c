import { closeSync, openSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { ConfigError, describeError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'

/** A file to which lines are only ever added. */
export interface LineFile {
  /** Adds whole lines, each with its end. */
  add(lines: string): void
  /** Resolves when all that was added is written. */
  flush(): Promise<void>
}

/** A disk that hangs must not fill our memory: past this many waiting characters lines are dropped, and counted. */
const mostWaiting = 4 << 20
const mode = 0o600

/**
 * Opens a file for its owner alone. It is opened anew for each write, so that it can be moved away at any time: what
 * comes next is in a new file.
 *
 * @throws ConfigError when it cannot be written
 */
export function openLineFile(path: string, logger: Logger): LineFile {
  try {
    closeSync(openSync(path, 'a', mode))
  } catch (cause) {
    throw new ConfigError([`Open audit file "${path}": ${describeError(cause)}, expected a file that we can write`], {
      cause,
    })
  }
  let waiting: string[] = []
  let length = 0
  let dropped = 0
  let isBroken = false
  let working: Promise<void> | undefined

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const text = waiting.join('')
      waiting = []
      length = 0
      try {
        await appendFile(path, text, { mode })
        if (isBroken || dropped > 0)
          logger.warn({ path, lost: dropped }, 'Audit file works again, some lines were lost')
        isBroken = false
        dropped = 0
      } catch (error) {
        if (!isBroken) logger.error({ path, error: describeError(error) }, 'Audit file cannot be written')
        isBroken = true
        dropped++
      }
    }
    working = undefined
  }

  return {
    add: (lines) => {
      if (length > mostWaiting) {
        dropped++
        return
      }
      waiting.push(lines)
      length += lines.length
      working ??= work()
    },
    flush: async () => {
      while (working !== undefined) await working
    },
  }
}
