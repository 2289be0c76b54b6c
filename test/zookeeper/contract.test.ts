import { describeZookeeperClient } from '../contract/zookeeper-client.ts'
import { startFakeZookeeper } from '../fakes/zookeeper.ts'

for (const line of ['3.4', '3.5', '3.9'] as const)
  describeZookeeperClient(`ZooKeeper client on a fake ${line}`, line, () => startFakeZookeeper({ version: line }))
