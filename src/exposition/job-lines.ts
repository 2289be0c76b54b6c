import { type JobView, jobState, jobStates } from '../model/job-view.ts'
import { type Family, jobFamilies } from './families.ts'
import { labelText } from './label-text.ts'

/** One line of a family: labels behind cluster and job, and a number from 0 up. */
interface JobSample {
  readonly labels: readonly (string | undefined)[]
  readonly value: number
}

/** One family of jobs, and its lines for one job. */
export interface JobRow {
  readonly family: Family
  readonly samples: (job: JobView) => readonly JobSample[]
  /** Its lines are of the sources of a job, of which there may be many. */
  readonly ofSources?: true
}

export const jobTable: readonly JobRow[] = [
  {
    family: jobFamilies.info,
    samples: ({ job }) =>
      job === undefined
        ? []
        : [
            {
              labels: [job.version, job.id, job.application?.id, job.application?.queue, job.application?.user],
              value: 1,
            },
          ],
  },
  {
    family: jobFamilies.state,
    samples: (view) => {
      const now = jobState(view)
      return jobStates.map((state) => ({ labels: [state], value: state === now ? 1 : 0 }))
    },
  },
  row(jobFamilies.expectedRunning, ({ expectedRunning }) => Number(expectedRunning)),
  row(jobFamilies.present, ({ present }) => (present === undefined ? undefined : Number(present))),
  row(jobFamilies.restarts, ({ restarts }) => restarts),
  row(jobFamilies.lastCheckpoint, ({ job }) => inSeconds(job?.checkpoints?.lastCompletedAt)),
  row(jobFamilies.checkpointsFailed, ({ job }) => job?.checkpoints?.failed),
  { ...sources(jobFamilies.sourceRecordsLag, ({ recordsLag }) => recordsLag), ofSources: true },
  { ...sources(jobFamilies.pendingRecords, ({ pendingRecords }) => pendingRecords), ofSources: true },
  row(jobFamilies.backPressure, ({ backPressure }) => rounded(backPressure)),
  row(jobFamilies.watermarkLag, ({ watermarkLagMs }) => inSeconds(watermarkLagMs)),
  {
    family: jobFamilies.finding,
    samples: ({ findings }) => findings.map(({ kind }) => ({ labels: [kind], value: 1 })),
  },
]

/** The label text of a line, up to its value. */
export function jobLabel(family: Family, { flinkCluster, label }: JobView, more: JobSample['labels']): string {
  return labelText(family, flinkCluster, label, ...more)
}

function row(family: Family, numberOf: (job: JobView) => number | undefined): JobRow {
  return {
    family,
    samples: (job) => {
      const value = numberOf(job)
      return isPrintable(value) ? [{ labels: [], value }] : []
    },
  }
}

function sources(family: Family, numberOf: (source: JobView['sources'][number]) => number | undefined): JobRow {
  return {
    family,
    samples: (job) =>
      job.sources.flatMap((source) => {
        const value = numberOf(source)
        return isPrintable(value) ? [{ labels: [source.vertex], value }] : []
      }),
  }
}

/** What a peer sent may be no number at all; it is then unknown. */
function isPrintable(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && Number.isFinite(value)
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms) / 1000
}

function rounded(share: number | undefined): number | undefined {
  return share === undefined ? undefined : Math.round(share * 1000) / 1000
}
