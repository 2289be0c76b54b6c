import type { z } from 'zod'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { type RestAnswer, type RestHttp, refusal } from './rest-http.ts'
import { problemOf } from './rest-shapes.ts'

/** Questions about one job; what goes wrong becomes a sentence, and harms no other question. */
export interface JobQuestions {
  /**
   * The answer, or undefined. After a timeout nothing more is asked: one hung job costs one deadline. Rejects on abort
   * only.
   *
   * @param what stands in front of the sentence
   * @param path below the job
   * @param also a status that is an answer too
   */
  ask(what: string, path: string, also?: number): Promise<RestAnswer | undefined>
  /** The answer as a schema reads it; undefined, with a sentence, when it does not. */
  parse<T>(what: string, schema: z.ZodType<T>, answer: RestAnswer | undefined): T | undefined
  problem(sentence: string): void
  readonly unread: readonly string[]
}

export function createJobQuestions(http: RestHttp, job: string, signal: AbortSignal): JobQuestions {
  const unread: string[] = []
  let isHung = false
  return {
    unread,
    problem: (sentence) => void unread.push(sentence),
    ask: async (what, path, also) => {
      if (isHung) return undefined
      try {
        const answer = await http.json(`/jobs/${job}${path}`, signal)
        if (answer.status === 200 || answer.status === also) return answer
        unread.push(refusal(what, answer).message)
      } catch (error) {
        signal.throwIfAborted()
        isHung = error instanceof UnavailableError && error.timedOut
        unread.push(`${what}: ${describeError(error)}`)
      }
      return undefined
    },
    parse: (what, schema, answer) => {
      if (answer === undefined) return undefined
      const read = schema.safeParse(answer.value)
      if (read.success) return read.data
      unread.push(`${what}: ${problemOf(read.error)}`)
      return undefined
    },
  }
}
