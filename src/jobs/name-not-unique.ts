import { evidenceLines, moment } from './evidence-lines.ts'
import type { Judge } from './judgement.ts'

/** Another job of the same name runs in the same Flink cluster. */
export const nameNotUnique: Judge = ({ job, namesakes }) => {
  if (namesakes.length === 0) return 'fine'
  return {
    kind: 'name_not_unique',
    message:
      'Several jobs of this name run in one Flink cluster: the newest has the name as its label, so series change hands when one starts or ends',
    evidence: evidenceLines([
      `this one is job ${job.id}${job.application === undefined ? '' : ` of ${job.application.id}`}, started ${moment(job.startedAt)}`,
      ...namesakes.map((label) => `also running: ${label}`),
    ]),
  }
}
