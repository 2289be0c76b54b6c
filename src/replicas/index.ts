import { createAlone } from './alone.ts'
import { createZookeeperReplicas } from './zookeeper.ts'

/** Every member of the family: a newcomer adds a line here. */
export const replicas = {
  alone: createAlone,
  zookeeper: createZookeeperReplicas,
} as const
