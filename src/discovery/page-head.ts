import { filterLabel } from '../flink/filter-label.ts'
import { ownText } from '../model/own-text.ts'

/** A job as the page of its JobManager names it. */
export interface NamedJob {
  readonly id: string
  /** Filtered, as a rule. */
  readonly name: string
}

/** What the beginning of a metrics page says of the process that wrote it, or why there is none. */
export type PageHead =
  /** `tmId` as the page shows it. */
  | { readonly kind: 'taskmanager'; readonly tmId: string }
  | { readonly kind: 'jobmanager'; readonly jobs: readonly NamedJob[]; readonly taskManagers?: number }
  /** Something answers that is no process of Flink, or does not say so. */
  | { readonly kind: 'stranger'; readonly why: string }
  /** Nothing listens there. */
  | { readonly kind: 'nobody'; readonly why: string }
  /** No answer in time, or an error that says nothing about who is there. */
  | { readonly kind: 'unknown'; readonly why: string }

/**
 * Asks the metrics page of `host:port` (a literal IP address) who is there, reading no further than needed: a bounded
 * GET. Never rejects; settles when its socket is closed.
 */
export type ReadHead = (address: string, signal: AbortSignal) => Promise<PageHead>

/** Finds out, chunk by chunk, whose page it is. */
export interface HeadReader {
  /** True when nothing that follows can change the answer. */
  push(chunk: Uint8Array): boolean
  /** `isWhole`: what came is all there is, so that a last line without an end counts. */
  end(isWhole: boolean): PageHead
}

/** Enough for a hundred jobs; the page of a TaskManager names it within the first lines. */
export const mostHeadBytes = 512 * 1024

const longestLine = 16 * 1024
const mostJobs = 1_000

const taskManager = /[{,]\s*tm_id="((?:[^"\\]|\\.){1,512})"/
const jobId = /[{,]\s*job_id="([0-9a-f]{32})"/
const jobName = /[{,]\s*job_name="((?:[^"\\]|\\.){1,2048})"/
const taskManagerCount = /^flink_jobmanager_numRegisteredTaskManagers(?:\{[^}]*\})?[ \t]+([0-9.eE+]{1,32})/

/**
 * The page of a TaskManager has `tm_id` on every line. The page of a JobManager names nobody: it is told by its families,
 * and which one it is by the jobs in them, all of which stand together in each family of jobs.
 */
export function createHeadReader(): HeadReader {
  const decoder = new TextDecoder()
  const jobs = new Map<string, NamedJob>()
  let rest = ''
  let isSkipping = false
  let tmId: string | undefined
  let isJobManager = false
  let taskManagers: number | undefined
  let isJobFamilyOver = false

  function readLine(line: string): void {
    if (line.startsWith('#')) {
      isJobFamilyOver ||= jobs.size > 0
      return
    }
    tmId ??= taskManager.exec(line)?.[1]
    if (tmId !== undefined || !line.startsWith('flink_jobmanager_')) return
    isJobManager = true
    const count = taskManagers === undefined ? taskManagerCount.exec(line)?.[1] : undefined
    if (count !== undefined && Number.isFinite(Number(count))) taskManagers = Number(count)
    const id = jobId.exec(line)?.[1]
    if (id === undefined || jobs.size >= mostJobs) return
    const name = unescaped(jobName.exec(line)?.[1] ?? '')
    const key = `${id} ${name}`
    if (!jobs.has(key)) jobs.set(ownText(key), { id: ownText(id), name: ownText(name) })
  }

  const isEnough = (): boolean => tmId !== undefined || (isJobFamilyOver && taskManagers !== undefined)

  return {
    push: (chunk) => {
      const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (isEnough()) break
        if (!isSkipping && line.length <= longestLine) readLine(line)
        isSkipping = false
      }
      if (rest.length > longestLine) {
        rest = ''
        isSkipping = true
      }
      return isEnough()
    },
    end: (isWhole) => {
      if (isWhole && !isSkipping && !isEnough()) readLine(rest)
      rest = ''
      if (tmId !== undefined) return { kind: 'taskmanager', tmId: ownText(unescaped(tmId)) }
      if (!isJobManager) return { kind: 'stranger', why: 'its page names no process of Flink' }
      return { kind: 'jobmanager', jobs: [...jobs.values()], ...(taskManagers === undefined ? {} : { taskManagers }) }
    },
  }
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
}

/**
 * True when two texts are the same behind the filter of Flink's reporter, which replaces every character outside
 * `[a-zA-Z0-9:_]`: one of them, or both, may have been through it.
 */
export function isSameLabel(one: string, other: string): boolean {
  return one === other || filterLabel(one) === filterLabel(other)
}
