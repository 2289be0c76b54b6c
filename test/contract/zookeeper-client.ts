import { afterAll, beforeAll, describe } from 'vitest'
import { nodeContract } from './zookeeper-nodes.ts'
import { sessionContract } from './zookeeper-sessions.ts'
import { treeContract } from './zookeeper-trees.ts'
import { watchContract } from './zookeeper-watches.ts'
import { createWorld, type ZookeeperLine, type ZookeeperUnderTest } from './zookeeper-world.ts'

export type { ZookeeperUnderTest }

/** What the client promises on every server of a line, real or fake. */
export function describeZookeeperClient(
  title: string,
  line: ZookeeperLine,
  start: () => Promise<ZookeeperUnderTest>,
): void {
  describe(title, () => {
    let server: ZookeeperUnderTest | undefined
    const world = createWorld(line, () => {
      if (server === undefined) throw new Error('The server has not been started')
      return server
    })

    beforeAll(async () => {
      server = await start()
    })
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]()
    })

    nodeContract(world)
    watchContract(world)
    sessionContract(world)
    treeContract(world)
  })
}
