import { evidenceLines } from './evidence-lines.ts'
import { isRunning, type Judge } from './judgement.ts'

/** It runs, and a process of it cannot be scraped. */
export const noReporter: Judge = ({ job, silent }) => {
  if (!isRunning(job) || silent.length === 0) return 'fine'
  return {
    kind: 'no_reporter',
    message:
      'The job runs in processes whose metrics nobody can read: nothing of them is in Prometheus, and their positions come from the JobManager, if at all',
    evidence: evidenceLines(silent.map(({ process, host, why }) => `${process} on ${host}: ${why}`)),
  }
}
