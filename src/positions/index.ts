import { createFlinkPages, type FlinkPages, type FlinkPagesOptions } from './flink-pages.ts'
import { createKafkaGroups, type KafkaGroupsOptions } from './kafka-groups.ts'
import type { PositionSource } from './position-source.ts'
import { createZookeeperOffsets, type ZookeeperOffsets, type ZookeeperOffsetsOptions } from './zookeeper-offsets.ts'

/** Every member of the family: a newcomer adds a line here. */
export const positionSources = {
  'flink-pages': (options: FlinkPagesOptions): FlinkPages => createFlinkPages(options),
  'kafka-groups': (options: KafkaGroupsOptions): PositionSource => createKafkaGroups(options),
  'zookeeper-offsets': (options: ZookeeperOffsetsOptions): ZookeeperOffsets => createZookeeperOffsets(options),
} as const
