import type { JobCheckpoints } from '../model/job.ts'
import type { JobQuestions } from './job-questions.ts'
import { type RestAnswer, refusal, saidBy } from './rest-http.ts'
import { checkpointsOf, intervalOf } from './rest-job.ts'
import { checkpointSettings, checkpointStatistics } from './rest-shapes.ts'

/** `off`: the job keeps no figures about checkpoints at all. Without an interval only savepoints are made. */
export type Checkpointing = 'off' | { readonly intervalMs?: number }

const noCheckpoints: JobCheckpoints = { completed: 0, failed: 0, inProgress: 0, restored: 0 }

/** Once in the life of a job. */
export async function readCheckpointing(questions: JobQuestions): Promise<Checkpointing | undefined> {
  const what = 'Checkpoint settings'
  const answer = await questions.ask(what, '/checkpoints/config', 404)
  if (answer?.status === 404) return isOff(what, answer, questions) ? 'off' : undefined
  const settings = questions.parse(what, checkpointSettings, answer)
  if (settings === undefined) return undefined
  const intervalMs = intervalOf(settings.interval)
  return intervalMs === undefined ? {} : { intervalMs }
}

/** Without the settings nothing is said at all: a missing interval would mean that checkpointing is off. */
export async function readCheckpoints(
  settings: Checkpointing | undefined,
  questions: JobQuestions,
): Promise<JobCheckpoints | undefined> {
  if (settings === undefined) return undefined
  if (settings === 'off') return noCheckpoints
  const what = 'Checkpoints'
  const answer = await questions.ask(what, '/checkpoints', 404)
  if (answer?.status === 404) return isOff(what, answer, questions) ? noCheckpoints : undefined
  const statistics = questions.parse(what, checkpointStatistics, answer)
  return statistics === undefined ? undefined : checkpointsOf(statistics, settings.intervalMs)
}

/** Flink answers 404 both for a job without checkpointing and for one that it does not know. */
function isOff(what: string, answer: RestAnswer, questions: JobQuestions): boolean {
  if (/checkpointing (?:is not|has not been) enabled/i.test(saidBy(answer.value) ?? '')) return true
  questions.problem(refusal(what, answer).message)
  return false
}
