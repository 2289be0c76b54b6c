import { createKafkaGroups, type KafkaGroupsOptions } from './kafka-groups.ts'
import type { PositionSource } from './position-source.ts'

/** Every member of the family: a newcomer adds a line here. */
export const positionSources = {
  'kafka-groups': (options: KafkaGroupsOptions): PositionSource => createKafkaGroups(options),
} as const
