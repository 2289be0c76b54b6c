import type { Clock } from '../runtime/clock.ts'
import type { FlinkPage } from './flink-page.ts'
import { createPageQuestions } from './page-questions.ts'
import { familiesQuery } from './parse-page-families.ts'
import { type PageRequest, type PageTrouble, readPage } from './read-page.ts'

/** One TaskManager's reporter, and how it is best asked. */
export interface PageReporter {
  readonly url: string
  /** Reads its page, `take` gets it, `fail` is told why there is none. Settles when the sockets are closed. */
  read(
    take: (page: FlinkPage, sentAt: number) => void,
    fail: (trouble: PageTrouble) => void,
    signal: AbortSignal,
  ): Promise<void>
}

export interface ReporterOptions extends Omit<PageRequest, 'isPacked'> {
  readonly wholeEveryMs: number
}

export function createPageReporter({ url, wholeEveryMs, ...rest }: ReporterOptions, clock: Clock): PageReporter {
  const questions = createPageQuestions(wholeEveryMs)
  // Packed, a whole page costs us half as much again, but the network a thirtieth; the other is small as it is.
  const whole = { ...rest, url, isPacked: true }
  const single = { ...rest, url: `${url}?${familiesQuery}`, isPacked: false }

  return {
    url,
    read: async (take, fail, signal) => {
      let sentAt = clock.monotonic()
      if (questions.next(sentAt) === 'families') {
        const answer = await readPage(single, signal)
        if ('kind' in answer) {
          // It need not be the reporter's fault that it does not understand us: the whole page tells.
          if (answer.kind !== 'no_flink_page' && answer.kind !== 'failed') return fail(answer)
          questions.distrust()
        } else {
          const page = questions.complete(answer)
          if (page !== undefined) return take(page, sentAt)
        }
        sentAt = clock.monotonic()
      }
      const page = await readPage(whole, signal)
      if ('kind' in page) return fail(page)
      take(page, sentAt)
      if (!questions.tookWhole(page, clock.monotonic())) return
      const answer = await readPage(single, signal)
      questions.compare('kind' in answer ? undefined : answer)
    },
  }
}
