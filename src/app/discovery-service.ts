import type { Discoverer, DiscoveryReport } from '../discovery/discoverer.ts'
import type { Service } from '../runtime/service.ts'

/** A discoverer as a service, which tells all of these what it finds, in this order. */
export function createDiscoveryService(discoverer: Discoverer, reports: readonly DiscoveryReport[]): Service {
  const report: DiscoveryReport = {
    update: (found) => {
      for (const one of reports) one.update(found)
    },
    cycle: (done) => {
      for (const one of reports) one.cycle(done)
    },
  }
  return { name: `discovery ${discoverer.name}`, run: (signal) => discoverer.run(report, signal) }
}
