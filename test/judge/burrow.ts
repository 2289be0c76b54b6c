import { type Change, inWords, type Story } from './stories.ts'
import { INTERVAL } from './watched.ts'

interface Commit {
  readonly at: number
  readonly position: number
  readonly lag: number
}

type BurrowStatus = 'OK' | 'WARN' | 'STOP' | 'STALL' | 'REWIND'

/** Commits that are judged, and log ends that are kept beside them. */
const KEPT = 10

/**
 * The rules of LinkedIn's Burrow 1.9 in our words: the first that holds, over the last ten commits of a partition, however
 * long these took.
 *
 * @param ends the last ten log ends that were read
 */
function burrowStatus(commits: readonly Commit[], ends: readonly number[], now: number): BurrowStatus {
  const [first, last, end] = [commits[0], commits.at(-1), ends.at(-1)]
  if (first === undefined || last === undefined || end === undefined || end <= last.position) return 'OK'
  const isSilent = now - last.at > last.at - first.at
  if (isSilent && !ends.some((one) => one <= last.position)) return 'STOP'
  if (isRewound(commits)) return 'REWIND'
  if (commits.some(({ lag }) => lag === 0)) return 'OK'
  if (commits.every(({ position }) => position === first.position)) return 'STALL'
  if (commits.every(({ lag }, index) => index === 0 || lag >= commits[index - 1]!.lag)) return 'WARN'
  return 'OK'
}

function isRewound(commits: readonly Commit[]): boolean {
  const drop = commits.findIndex(({ position }, index) => index > 0 && position < commits[index - 1]!.position)
  return drop > 0 && !commits.slice(drop).some(({ position }) => position >= commits[drop - 1]!.position)
}

/** When the status that Burrow gives a story changes. */
export function toldByBurrow(story: Story): string {
  let commits: readonly Commit[] = []
  let ends: readonly number[] = []
  const changes: Change[] = []
  for (let second = 0; second <= story.minutes * 60; second += INTERVAL / 1_000) {
    const { end, position, members } = story.at(second)
    if (typeof end === 'number') ends = [...ends, end].slice(-KEPT)
    const isNew = commits.at(-1)?.position !== position || (story.isAutoCommit === true && members !== 0)
    if (typeof position === 'number' && isNew)
      commits = [...commits, { at: second, position, lag: Math.max(0, (ends.at(-1) ?? 0) - position) }].slice(-KEPT)
    const status = burrowStatus(commits, ends, second)
    if (status !== changes.at(-1)?.status) changes.push({ second, status })
  }
  return changes.length > 6 ? `${inWords(changes.slice(0, 4))} and ${changes.length - 4} more` : inWords(changes)
}
