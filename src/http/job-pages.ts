import type { JobView } from '../model/job-view.ts'
import { type JobsDeps, wantedJobs } from './jobs.ts'
import { html, Refusal, type Route } from './route.ts'

export interface JobPagesDeps extends JobsDeps {
  /** Their HTML is made elsewhere. */
  readonly pages: {
    all(jobs: readonly JobView[]): string
    one(job: JobView, now: number): string
  }
}

/** `/jobs`: all jobs for people, and with `flink_cluster` and `flink_job` one of them. */
export function jobPagesRoute(deps: JobPagesDeps): Route {
  return {
    method: 'GET',
    path: '/jobs',
    handle: (request) => {
      const jobs = wantedJobs(deps, request)
      const label = request.query.get('flink_job')
      if (label === null || request.query.get('flink_cluster') === null) return html(200, deps.pages.all(jobs))
      const [job] = jobs
      if (job === undefined) throw new Refusal(404, `No job "${label.slice(0, 300)}" is known in that Flink cluster`)
      return html(200, deps.pages.one(job, deps.clock.wall()))
    },
  }
}
