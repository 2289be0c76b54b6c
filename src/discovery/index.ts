import { createFlinkDiscoverer } from './flink.ts'
import { createYarnDiscoverer } from './yarn.ts'

/** Everybody who looks for reporters himself: a newcomer adds a line here. */
export const discoverers = {
  flink: createFlinkDiscoverer,
  yarn: createYarnDiscoverer,
} as const
