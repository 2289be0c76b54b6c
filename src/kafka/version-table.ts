import type { ApiVersionRange } from '../kafka-wire/api-versions.ts'
import { type Api, type ApiName, apis, chooseVersion } from '../kafka-wire/apis.ts'

/** What one connection's broker speaks. Never shared: in a rolling upgrade every broker has its own. */
export interface VersionTable {
  /** The version to use for an API; undefined when the broker does not have it in a version of ours. */
  version(api: Api): number | undefined
}

/** The table that a broker gave in its ApiVersions answer. */
export function negotiated(ranges: readonly ApiVersionRange[]): VersionTable {
  const byKey = new Map(ranges.map((range) => [range.key, range]))
  return {
    version: (api) => {
      const range = byKey.get(api.key)
      return range === undefined ? undefined : chooseVersion(api, range.min, range.max)
    },
  }
}

/** Kafka 0.8.2 closes the connection on ApiVersions; this is what it has. */
export const kafka082: VersionTable = fixed({ Metadata: 0, ListOffsets: 0, FindCoordinator: 0, OffsetFetch: 1 })

/** Kafka 0.9 does not answer ApiVersions and keeps the connection; this is what it has. */
export const kafka09: VersionTable = fixed({
  Metadata: 0,
  ListOffsets: 0,
  FindCoordinator: 0,
  OffsetFetch: 1,
  ListGroups: 0,
  DescribeGroups: 0,
})

function fixed(max: Partial<Record<ApiName, number>>): VersionTable {
  return negotiated(
    Object.values(apis).flatMap((api) => {
      const last = max[api.name]
      return last === undefined ? [] : [{ key: api.key, min: 0, max: last }]
    }),
  )
}
