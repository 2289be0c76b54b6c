import type { RegisteredElsewhere } from '../discovery/sought.ts'
import type { RegistryView } from '../model/target.ts'
import type { Clock } from '../runtime/clock.ts'
import { finderLabel } from './found-registration.ts'

const keepMs = 5_000

/**
 * Finds the registration that somebody else, most likely the job itself, made for a TaskManager: its container id or its
 * instance is the TaskManager's id.
 */
export function createRegisteredElsewhere(
  views: () => readonly (RegistryView | undefined)[],
  clock: Clock,
): (tmId: string) => RegisteredElsewhere | undefined {
  let known: { readonly at: number; readonly versions: string; readonly byProcess: Map<string, RegisteredElsewhere> }
  known = { at: Number.NEGATIVE_INFINITY, versions: '', byProcess: new Map() }

  return (tmId) => {
    const now = clock.monotonic()
    if (now - known.at >= keepMs) {
      const seen = views()
      const versions = seen.map((view) => view?.version ?? '-').join()
      known = { at: now, versions, byProcess: versions === known.versions ? known.byProcess : index(seen) }
    }
    return known.byProcess.get(tmId)
  }
}

function index(views: readonly (RegistryView | undefined)[]): Map<string, RegisteredElsewhere> {
  const byProcess = new Map<string, RegisteredElsewhere>()
  for (const view of views)
    for (const { registration } of view?.targets ?? []) {
      const { id, address, instance, facts, labels } = registration
      if (labels[finderLabel] !== undefined) continue
      byProcess.set(instance, { id, address })
      if (facts.containerId !== undefined) byProcess.set(facts.containerId, { id, address })
    }
  return byProcess
}
