import { once } from 'node:events'
import { createBell } from '../runtime/bell.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Replica, ReplicaOptions, Replicas } from './replicas.ts'

/** The only replica there is: it owns everything while it runs. */
export function createAlone({ id, version, url }: ReplicaOptions, { clock }: { readonly clock: Clock }): Replicas {
  const bell = createBell()
  const startedAt = new Date(clock.wall()).toISOString()
  let running: AbortSignal | undefined
  const isRunning = (): boolean => running?.aborted === false
  const members = (): readonly Replica[] => {
    const ours = url()
    return ours === undefined || !isRunning() ? [] : [{ id, url: ours, version, startedAt }]
  }
  return {
    name: 'replicas',
    self: id,
    run: async (signal) => {
      running = signal
      bell.ring()
      if (!signal.aborted) await once(signal, 'abort')
      bell.ring()
    },
    owns: isRunning,
    owner: () => members()[0],
    members,
    secretOf: () => undefined,
    changes: (signal) => bell.listen(signal),
  }
}
