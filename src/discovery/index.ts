import { curator } from './curator.ts'
import { createFlinkDiscoverer } from './flink.ts'
import type { ForeignFormat } from './foreign-format.ts'
import { nerve } from './nerve.ts'
import { serverset } from './serverset.ts'
import { createYarnDiscoverer } from './yarn.ts'

export const foreignFormatNames = ['serverset', 'nerve', 'curator'] as const
export type ForeignFormatName = (typeof foreignFormatNames)[number]

/** Every member of the family: a newcomer adds a name and a line here. */
export const foreignFormats: Readonly<Record<ForeignFormatName, ForeignFormat>> = { serverset, nerve, curator }

/** Everybody who looks for reporters himself: a newcomer adds a line here. */
export const discoverers = {
  flink: createFlinkDiscoverer,
  yarn: createYarnDiscoverer,
} as const
