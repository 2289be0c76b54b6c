import { describe, expect, it } from 'vitest'
import { startKafka } from '../rigs/kafka.ts'
import { describeGroups, logOffsets } from '../rigs/kafka-tool.ts'
import { startPrometheus } from '../rigs/prometheus.ts'
import { startRigClient } from '../rigs/rig-client.ts'
import { startZookeeper } from '../rigs/zookeeper.ts'

describe('The rigs', () => {
  it.each(['4.3.1', '1.1.1'])(
    'of Kafka %s answer the same through Java and through the shipped tools',
    async (version) => {
      await using kafka = await startKafka({ version })
      await using client = await startRigClient({ version, bootstrap: kafka.bootstrap })
      const groups = ['billing', '', 'a "quoted"\nback\\slash', 'zero\0byte', 'größe-日本']
      await client.createTopics([{ name: 'orders', partitions: 2 }])
      await client.produceMany([
        { topic: 'orders', partition: 0, count: 50 },
        { topic: 'orders', partition: 1, count: 20 },
      ])
      await client.commitMany(groups.map((group) => ({ group, topic: 'orders', partition: 0, offset: 12n })))
      await client.commit('billing', [{ topic: 'orders', partition: 1, offset: 25n }])

      const oracle = await client.oracle(groups)
      const described = await describeGroups(version, kafka.bootstrap, 'billing')
      const ends = await logOffsets(version, kafka.bootstrap, 'latest', ['orders'])

      expect(oracle.ends).toHaveLength(2)
      expect(ends).toEqual(oracle.ends.map(({ topic, partition, end }) => ({ topic, partition, offset: end })))
      expect(new Set(oracle.committed.map(({ group }) => group))).toEqual(new Set(groups))
      expect(described).toEqual([
        { group: 'billing', topic: 'orders', partition: 0, current: 12n, end: 50n, lag: 38n },
        { group: 'billing', topic: 'orders', partition: 1, current: 25n, end: 20n, lag: -5n },
      ])
    },
  )

  it.each(['3.9.5', '3.4.14'])('of ZooKeeper %s survive a restart on the same port', async (version) => {
    await using zookeeper = await startZookeeper({ version })

    await zookeeper.servers[0]?.restart()

    expect(await zookeeper.fourLetter('srvr')).toContain('Mode: standalone')
  })

  it('of Prometheus scrape themselves', async () => {
    await using prometheus = await startPrometheus({ config: '' })
    const target = new URL(prometheus.url).host

    await prometheus.reload(
      `scrape_configs: [{job_name: self, scrape_interval: 1s, static_configs: [{targets: ["${target}"]}]}]`,
    )

    await expect.poll(() => prometheus.query('up'), { timeout: 20_000 }).toMatchObject([{ value: '1' }])
  })
})
