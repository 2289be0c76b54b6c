import type { ServerResponse } from 'node:http'
import { breather } from '../runtime/breathe.ts'
import { UnavailableError } from '../runtime/errors.ts'
import type { Response } from './route.ts'

export interface SendLimits {
  /** A reader that takes nothing for so long is cut off. */
  readonly stalledReaderMs: number
  /** No answer may take longer as a whole: slow readers must not add up. */
  readonly answerMs: number
}

/** Small enough that a reader who takes it within the time-out is not stalled but slow. */
const SLICE = 64 * 1024
/** Handed to the system together: a call for each slice takes a fast reader twice as long. */
const TOGETHER = 2 * SLICE

/**
 * Sends an answer with back-pressure: nothing is taken from the body before the reader has taken what came before.
 * `waiting` is told while we wait for the reader. Rejects, with the connection destroyed and the end of the answer
 * withheld, when the reader is gone or too slow or the body fails: half a page must never look like a whole one.
 */
export async function send(
  outgoing: ServerResponse,
  response: Response,
  limits: SendLimits,
  waiting: (isWaiting: boolean) => void,
): Promise<void> {
  const over = performance.now() + limits.answerMs
  const { body } = response
  const withoutBody = outgoing.req.method === 'HEAD'
  const breathe = breather()
  let corked = 0
  try {
    if (typeof body === 'string' || body instanceof Uint8Array) {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body
      outgoing.writeHead(response.status, { ...response.headers, 'Content-Length': bytes.length })
      if (!withoutBody) await write(bytes)
    } else {
      outgoing.writeHead(response.status, response.headers)
      if (!withoutBody) for await (const chunk of body) await write(chunk)
    }
    if (corked > 0) outgoing.uncork()
    outgoing.end()
    await taken('finish')
  } catch (error) {
    outgoing.destroy()
    throw error
  }

  async function write(bytes: Uint8Array): Promise<void> {
    if (outgoing.destroyed) throw gone()
    for (let from = 0; from < bytes.length; from += SLICE) {
      if (corked === 0) outgoing.cork()
      const slice = bytes.subarray(from, from + SLICE)
      outgoing.write(slice)
      corked += slice.length
      if (corked < TOGETHER) continue
      corked = 0
      outgoing.uncork()
      if (outgoing.writableNeedDrain) await taken('drain')
      // A reader as fast as we are takes each slice at once: "drain" comes before anybody else gets a turn.
      await breathe()
    }
  }

  function taken(event: 'drain' | 'finish'): Promise<void> {
    if (outgoing.closed || outgoing.destroyed) return Promise.reject(gone())
    if (event === 'finish' && outgoing.writableFinished) return Promise.resolve()
    waiting(true)
    return new Promise<void>((resolve, reject) => {
      const ms = Math.max(0, Math.min(limits.stalledReaderMs, over - performance.now()))
      const timer = setTimeout(() => settle(tooSlow(ms)), ms)
      const onTaken = (): void => settle()
      const onClose = (): void => settle(gone())
      function settle(error?: Error): void {
        clearTimeout(timer)
        outgoing.off(event, onTaken).off('close', onClose)
        waiting(false)
        if (error === undefined) resolve()
        else reject(error)
      }
      outgoing.once(event, onTaken).once('close', onClose)
    })
  }
}

function gone(): UnavailableError {
  return new UnavailableError('Send answer: the reader closed the connection')
}

function tooSlow(ms: number): UnavailableError {
  return new UnavailableError(`Send answer: the reader took nothing for ${Math.round(ms)} ms`, { timedOut: true })
}
