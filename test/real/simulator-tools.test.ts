import { describe, expect, it } from 'vitest'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { describeGroups, logOffsets } from '../rigs/kafka-tool.ts'

describe('A simulated cluster', () => {
  // The tools of 1.1 themselves refuse a broker that does not take Produce, which the simulator does not.
  it.each([
    ['4.3', '4.3.1'],
    ['1.1', '3.9.2'],
  ] as const)('of line %s is read by the tools of Kafka %s', async (line, version) => {
    await using cluster = await createKafkaCluster({ brokers: 3, version: line })
    const { state } = cluster
    const bootstrap = cluster.bootstrap.join(',')
    state.createTopic('orders', 3)
    for (const partition of [0, 1, 2]) state.append('orders', partition, 10 + partition)
    state.setGroup('live', { members: [{ assignment: { orders: [0, 1, 2] } }] })
    state.commit('live', 'orders', 0, 4n)
    state.commit('live', 'orders', 2, 12n)

    const groups = await describeGroups(version, bootstrap)
    const ends = await logOffsets(version, bootstrap, 'latest', ['orders'])

    const row = { group: 'live', topic: 'orders' }
    expect(groups).toEqual([
      { ...row, partition: 0, current: 4n, end: 10n, lag: 6n },
      { ...row, partition: 1, current: undefined, end: 11n, lag: undefined },
      { ...row, partition: 2, current: 12n, end: 12n, lag: 0n },
    ])
    expect(ends).toEqual([10n, 11n, 12n].map((offset, partition) => ({ topic: 'orders', partition, offset })))
  })
})
