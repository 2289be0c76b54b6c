import { renderJobs } from '../exposition/job-render.ts'
import type { JobView } from '../model/job-view.ts'
import { compress, type GzipPieces, gzipEnd, gzipHead, inflate, noSum, readPieces } from './gzip.ts'

export interface JobTextDeps {
  /** The jobs as last made out, replaced whole; undefined where no jobs are looked for, and before the first look. */
  readonly jobs: () => readonly JobView[] | undefined
  /** Most series of jobs on a page; no limit when absent. */
  readonly limit?: () => number
}

/** The families of jobs: rendered and compressed once for each look at the jobs, however many pages they stand on. */
export interface JobText {
  /** Undefined where no jobs are looked for, and before the first look. */
  pieces(): GzipPieces | undefined
  /** How many series the limit left out; undefined as above. */
  dropped(): number | undefined
}

interface Made {
  readonly jobs: readonly JobView[]
  readonly limit: number
  readonly pieces: GzipPieces
}

export function createJobText({ jobs: current, limit: limitNow }: JobTextDeps): JobText {
  let made: Made | undefined
  let dropped = 0
  const onDropped = (count: number): void => {
    dropped = count
  }
  return {
    pieces: () => {
      const jobs = current()
      if (jobs === undefined) return undefined
      const limit = limitNow?.() ?? Number.POSITIVE_INFINITY
      if (made?.jobs !== jobs || made.limit !== limit)
        made = { jobs, limit, pieces: compress([{ chunks: renderJobs(jobs, { limit, onDropped }) }]) }
      return made.pieces
    },
    dropped: () => (current() === undefined ? undefined : dropped),
  }
}

/** A page of jobs alone. */
export async function* jobsAlone(jobs: GzipPieces | undefined, asGzip: boolean): AsyncGenerator<Uint8Array, void> {
  if (asGzip) yield gzipHead
  if (jobs !== undefined) for await (const piece of readPieces(jobs)) yield asGzip ? piece : await inflate(piece)
  if (asGzip) yield gzipEnd(jobs?.sum() ?? noSum, new Uint8Array())
}
