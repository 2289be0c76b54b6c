import { evidenceLines } from './evidence-lines.ts'
import type { Judge } from './judgement.ts'

/** Its consumer group is that of another job too. */
export const groupShared: Judge = ({ groupSharedWith }) => {
  if (groupSharedWith.length === 0) return 'fine'
  return {
    kind: 'group_shared',
    message:
      'Two jobs commit to one consumer group: each overwrites what the other committed, so the group says nothing about either, and whichever starts from it starts wrong',
    evidence: evidenceLines(groupSharedWith.map(({ group, label }) => `group ${group} is also that of job ${label}`)),
  }
}
