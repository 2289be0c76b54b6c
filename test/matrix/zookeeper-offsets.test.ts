import { zookeeperOffsetsContract } from '../contract/zookeeper-offsets.ts'

for (const version of ['0.10.2.2', '1.1.1']) zookeeperOffsetsContract(version)
