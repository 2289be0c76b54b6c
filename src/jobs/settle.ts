import { type Finding, type FindingKind, findingKinds } from '../model/finding.ts'
import type { JobFacts } from './facts.ts'
import { examinations } from './findings.ts'

/** What is remembered of a finding from look to look. */
interface KnownFinding {
  readonly finding: Finding
  /** Milliseconds of the wall clock: first seen, and seen last. */
  readonly since: number
  readonly seenAt: number
}

export type KnownFindings = ReadonlyMap<FindingKind, KnownFinding>

/** How long a finding stays when the facts no longer tell whether it is true. */
const KEPT_MS = 900_000

/**
 * Looks for every kind of finding. What was found stays while the facts do not tell, for a quarter of an hour at most:
 * one page that failed must not make a finding flicker. A step for each kind.
 */
export function* examine(facts: JobFacts, before: KnownFindings): Generator<void, KnownFindings, void> {
  const known = new Map<FindingKind, KnownFinding>()
  for (const kind of findingKinds) {
    yield
    const judgement = examinations[kind].judge(facts)
    const earlier = before.get(kind)
    if (judgement === 'unknown') {
      if (earlier !== undefined && facts.now - earlier.seenAt <= KEPT_MS) known.set(kind, earlier)
    } else if (judgement !== 'fine')
      known.set(kind, {
        finding: judgement,
        since: Math.min(earlier?.since ?? facts.now, facts.now),
        seenAt: facts.now,
      })
  }
  return known
}

/** Those that have been there long enough to be told, the worst first. */
export function settled(known: KnownFindings, now: number): readonly Finding[] {
  return findingKinds.flatMap((kind) => {
    const found = known.get(kind)
    if (found === undefined || now - found.since < examinations[kind].settlesMs) return []
    return [{ ...found.finding, since: found.since }]
  })
}
