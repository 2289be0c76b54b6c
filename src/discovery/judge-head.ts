import { isSameLabel, type NamedJob, type PageHead } from './page-head.ts'

/** How what answers at an address stands to the process that is looked for. */
export type HeadVerdict =
  | 'same'
  /** It could be: nothing speaks against it, and nothing tells it from others of its kind. */
  | 'maybe'
  | 'other'
  /** Nothing listens there. */
  | 'gone'
  /** No answer that says anything. */
  | 'unknown'

/** A process whose reporter is looked for, by what its page can say. */
export type Wanted =
  | { readonly kind: 'taskmanager'; readonly tmId: string }
  | {
      readonly kind: 'jobmanager'
      /** Those that run now. */
      readonly jobs: readonly NamedJob[]
      readonly taskManagers: number
      /** One of several JobManagers, of which all but the leader know no jobs. */
      readonly mayBeStandby: boolean
    }

export function judgeHead(wanted: Wanted, head: PageHead): HeadVerdict {
  switch (head.kind) {
    case 'nobody':
      return 'gone'
    case 'unknown':
      return 'unknown'
    case 'stranger':
      return 'other'
    case 'taskmanager':
      return wanted.kind === 'taskmanager' && isSameLabel(wanted.tmId, head.tmId) ? 'same' : 'other'
    case 'jobmanager':
      return wanted.kind === 'jobmanager' ? judgeJobManager(wanted, head) : 'other'
  }
}

/** With high availability an application may have this id, and then every such application has it. */
const sharedId = '0'.repeat(32)

/**
 * The ids of jobs are random, so that one in common is proof; the id that is not says something only with its name. A
 * JobManager without jobs has nothing but the number of its TaskManagers.
 */
function judgeJobManager(
  wanted: Extract<Wanted, { kind: 'jobmanager' }>,
  page: Extract<PageHead, { kind: 'jobmanager' }>,
): HeadVerdict {
  const common = page.jobs.filter((job) =>
    wanted.jobs.some((one) => one.id === job.id && (job.id !== sharedId || isSameLabel(one.name, job.name))),
  )
  if (common.some(({ id }) => id !== sharedId)) return 'same'
  if (common.length > 0) return 'maybe'
  if (page.jobs.length > 0) return 'other'
  if (wanted.jobs.length > 0) return wanted.mayBeStandby ? 'maybe' : 'other'
  return page.taskManagers === undefined || page.taskManagers === wanted.taskManagers ? 'maybe' : 'other'
}

/** On verification of an address where it was found before: whatever does not speak against it. */
export function isStill(wanted: Wanted, head: PageHead): boolean {
  if (wanted.kind !== 'jobmanager' || head.kind !== 'jobmanager') return judgeHead(wanted, head) === 'same'
  // Jobs and TaskManagers come and go between two looks at them.
  if (head.jobs.length === 0 || wanted.jobs.length === 0) return true
  return judgeHead(wanted, head) !== 'other'
}
