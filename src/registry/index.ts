import { createEmbeddedRegistry } from './embedded.ts'
import { createZookeeperRegistry } from './zookeeper.ts'

/** Every member of the family: a newcomer adds a line here. */
export const registries = {
  embedded: createEmbeddedRegistry,
  zookeeper: createZookeeperRegistry,
} as const
