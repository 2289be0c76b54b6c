import type { Discoverer, DiscoveryReport, FoundScope } from '../discovery/discoverer.ts'
import type { Service } from '../runtime/service.ts'
import { scopeKey } from './found-registration.ts'

/**
 * A discoverer as a service, which tells all of these what it finds, in this order.
 *
 * @param scopesOf what is known under the discoverer's name now: a new configuration is a new discoverer, which cannot
 *   know that what its predecessor had found has ended meanwhile, or is none of its own. That is told at the end of its
 *   first complete look.
 */
export function createDiscoveryService(
  discoverer: Discoverer,
  reports: readonly DiscoveryReport[],
  scopesOf: () => readonly FoundScope[],
): Service {
  function reportOfRun(): DiscoveryReport {
    let seen: Set<string> | undefined = new Set()

    function update(found: FoundScope): void {
      seen?.add(scopeKey(found))
      for (const one of reports) one.update(found)
    }

    return {
      update,
      cycle: (done) => {
        if (done.complete && seen !== undefined) {
          for (const { scope, flinkCluster } of scopesOf())
            if (!seen.has(scopeKey({ scope, flinkCluster })) && done.waiting?.includes(scope) !== true)
              update({ scope, flinkCluster, reporters: [], silent: [], jobs: [], ended: true })
          seen = undefined
        }
        for (const one of reports) one.cycle(done)
      },
    }
  }

  return { name: `discovery ${discoverer.name}`, run: (signal) => discoverer.run(reportOfRun(), signal) }
}
