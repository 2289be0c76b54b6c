import { idOf } from '../targets/identity.ts'
import { parseAddress } from '../targets/parse-address.ts'
import type { FoundReporter, FoundScope, SilentProcess } from './discoverer.ts'
import type { Suspects } from './suspects.ts'

/** What came of looking for the reporter of one process: either of them. */
export interface Outcome {
  readonly reporter?: FoundReporter
  readonly silent?: SilentProcess
}

/** Whose address somebody else of the same look has too. */
export function doublesOf(outcomes: readonly Outcome[]): (outcome: Outcome) => boolean {
  const counts = new Map<string, number>()
  for (const { reporter } of outcomes)
    if (reporter !== undefined) counts.set(reporter.address, (counts.get(reporter.address) ?? 0) + 1)
  return ({ reporter }) => reporter !== undefined && (counts.get(reporter.address) ?? 0) > 1
}

/** Those of which it has become known that they have ended are no reporters any more, but processes without one. */
export function withoutEnded(found: FoundScope, whyEnded: Suspects['whyEnded']): FoundScope {
  const reporters: FoundReporter[] = []
  const silent: SilentProcess[] = [...found.silent]
  for (const reporter of found.reporters) {
    const why = whyEnded(idOf(reporter), reporter.facts.containerId)
    if (why === undefined) reporters.push(reporter)
    else silent.push({ process: reporter.tmId ?? 'jobmanager', host: hostOf(reporter), why, hasEnded: true })
  }
  return reporters.length === found.reporters.length ? found : { ...found, reporters, silent }
}

function hostOf({ host, address }: FoundReporter): string {
  return host ?? parseAddress(address)?.host ?? address
}
