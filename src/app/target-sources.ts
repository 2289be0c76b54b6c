import type { ForeignZnodes } from '../discovery/foreign-znodes.ts'
import type { HostResolver } from '../http/host-resolver.ts'
import { createProber } from '../probe/prober.ts'
import type { Registry } from '../registry/registry.ts'
import type { ZookeeperRegistry } from '../registry/zookeeper.ts'
import type { AddressGuard } from '../targets/address-guard.ts'
import { isEmptyReport, type TargetReport } from '../targets/target-report.ts'
import { createForeignSources } from './foreign.ts'
import { createRegistry, type RegistryDeps, znodeGuard } from './registry.ts'
import type { Config } from './schema.ts'
import { zookeeperOptions } from './zookeeper-schema.ts'

/** Where targets come from, and what can be asked of all of it together. */
export interface TargetSources {
  readonly registry: Registry | ZookeeperRegistry
  /** The registry first: of two owners of one address its own stays. */
  readonly all: readonly (Registry | ForeignZnodes)[]
  /** Undefined before everybody who may know the id has looked. */
  explain(id: string): TargetReport | undefined
  release(ids?: readonly string[]): readonly string[]
}

export interface TargetSourcesDeps extends Omit<RegistryDeps, 'probe'> {
  readonly guard: AddressGuard
  readonly resolve: HostResolver
}

export function createTargetSources(config: Config, demo: boolean, deps: TargetSourcesDeps): TargetSources {
  const { clock, logger, guard, resolve } = deps
  // Whatever is registered has passed the guard already, this machine's own addresses included.
  const prober = createProber({}, { clock, guard: (ip) => guard(ip, { isLoopback: true }) })
  const registry = createRegistry(config, demo, { ...deps, probe: prober.probe })
  const { zookeeper } = config
  const foreign =
    zookeeper === undefined
      ? []
      : createForeignSources(zookeeper.foreign, {
          zookeeper: zookeeperOptions(zookeeper),
          guard: znodeGuard(zookeeper.connect, guard),
          resolve,
          clock,
          logger,
        })
  const all = [registry, ...foreign]
  return {
    registry,
    all,
    explain: (id) => {
      const reports = all.map((source) => source.explain(id))
      const listed = reports.find((report) => report?.target !== undefined)
      const known = listed ?? reports.find((report) => report !== undefined && !isEmptyReport(report))
      return known ?? (reports.includes(undefined) ? undefined : reports[0])
    },
    release: (ids) => all.flatMap((source) => source.release(ids)),
  }
}
