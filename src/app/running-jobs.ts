import { consumerOfJob } from '../jobs/label.ts'
import type { JobView } from '../model/job-view.ts'

/**
 * Says whether the job runs whose consumer has this name: its JobManager lists it and it has not ended. Undefined for
 * consumers of no job, and while nobody knows.
 */
export function runningJobs(jobs: () => readonly JobView[] | undefined): (consumer: string) => boolean | undefined {
  let seen: readonly JobView[] | undefined
  let presence = new Map<string, boolean>()
  return (consumer) => {
    const now = jobs()
    if (now !== seen) {
      seen = now
      presence = new Map()
      for (const view of now ?? []) if (view.present !== undefined) presence.set(consumerOfJob(view), view.present)
    }
    return presence.get(consumer)
  }
}
