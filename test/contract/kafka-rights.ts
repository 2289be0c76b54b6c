import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKafkaCluster } from '../../src/kafka/cluster.ts'
import { lookUpTimes } from '../../src/kafka/look-up-times.ts'
import { readCatalog } from '../../src/kafka/read-catalog.ts'
import { readRecordTimes } from '../../src/kafka/read-record-times.ts'
import { readRetention } from '../../src/kafka/read-retention.ts'
import { emptyCatalog } from '../../src/model/catalog.ts'
import type { TimeLookUp } from '../../src/model/time-look-up.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { KafkaRig } from '../rigs/kafka.ts'
import { kafkaTool } from '../rigs/kafka-tool.ts'
import type { RigClient } from '../rigs/rig-client.ts'
import { isAtLeast } from '../rigs/version.ts'
import { lagOf } from './kafka-lag.ts'

interface Rigs {
  readonly kafka: KafkaRig
  readonly client: RigClient
}

type Right = readonly [
  resource: 'TOPIC' | 'GROUP' | 'CLUSTER',
  name: string,
  operation: 'DESCRIBE' | 'DESCRIBE_CONFIGS' | 'READ' | 'ALL',
]

/**
 * What the tables of docs/kafka-rights.md say, on a real broker: the user `lag` gets one right after the other, and each
 * time we see what it opens. `pub` is a topic that it may describe, `secret` one that it may not.
 */
export function rightsContract(version: string, rigs: () => Rigs): void {
  const isOld = !isAtLeast(version, '1.0')
  const sasl = { mechanism: 'PLAIN', username: 'lag', password: { reveal: () => 'lagpass' } } as const

  describe(`the rights that a user needs on Kafka ${version}`, () => {
    let member: Awaited<ReturnType<RigClient['hold']>> | undefined

    beforeAll(async () => {
      const { client } = rigs()
      await client.createTopics([{ name: 'pub' }, { name: 'secret' }])
      await client.produce('pub', 0, 10)
      await client.produce('secret', 0, 20)
      for (const group of ['seen', 'hidden'])
        await client.commit(group, [
          { topic: 'pub', partition: 0, offset: 4n },
          { topic: 'secret', partition: 0, offset: 5n },
        ])
      member = await client.hold({ protocol: 'classic', group: 'live', topic: 'secret' })
    })
    afterAll(() => member?.release())

    /** All rows but those of the groups of other tests. */
    async function seen() {
      const { kafka } = rigs()
      const { rows, problems } = await lagOf({ bootstrap: [kafka.secure?.saslPlaintext ?? ''], sasl })
      return {
        rows: Object.fromEntries(Object.entries(rows).filter(([name]) => /^(?:seen|hidden|live) /.test(name))),
        problems,
      }
    }

    async function allow(...rights: readonly Right[]): Promise<void> {
      const { kafka, client } = rigs()
      for (const [resource, name, operation] of rights) {
        if (!isOld) await client.allow({ principal: 'User:lag', resource, name, operation })
        else {
          const target = resource === 'CLUSTER' ? ['--cluster'] : [`--${resource.toLowerCase()}`, name]
          await kafkaTool(version, 'acls', [
            ...['--authorizer-properties', `zookeeper.connect=${kafka.zookeeper}`, '--add', ...target],
            ...[
              '--allow-principal',
              'User:lag',
              '--operation',
              operation.replace(/(?<=.).+/, (rest) => rest.toLowerCase()),
            ],
          ])
        }
      }
      // Brokers learn of it a moment later.
      await systemClock.sleep(1_000, new AbortController().signal)
    }

    it('without any, nothing is seen, and that this is no empty cluster is told for topics and for groups', async () => {
      const { rows, problems } = await seen()

      expect(rows).toEqual({})
      // Before 0.11 no topic can be named without the danger of creating it.
      expect(problems).toEqual(isAtLeast(version, '0.11') ? ['unauthorized', 'unauthorized'] : ['unauthorized'])
    })

    it('with groups and topics, what they name is whole', async () => {
      await allow(['TOPIC', 'pub', 'DESCRIBE'], ['GROUP', 'seen', isOld ? 'READ' : 'DESCRIBE'])
      if (!isAtLeast(version, '2.1')) await allow(['CLUSTER', 'kafka-cluster', isOld ? 'ALL' : 'DESCRIBE'])
      const { rows } = await seen()

      expect(rows['seen pub/0']).toBe('6')
      // Without a word from the broker: nothing says that there is more.
      expect(rows).not.toHaveProperty('seen secret/0')
    })

    if (!isOld)
      it('times are searched for with DESCRIBE; records want READ, and retention DESCRIBE_CONFIGS', async () => {
        const bootstrap = [rigs().kafka.secure?.saslPlaintext ?? '']
        const cluster = createKafkaCluster({ bootstrap, sasl, requestTimeoutMs: 10_000, clock: systemClock })
        const signal = new AbortController().signal
        const { catalog } = await readCatalog(cluster, emptyCatalog, () => true, signal)
        const look = async (how: typeof lookUpTimes | typeof readRecordTimes) => {
          const found: TimeLookUp[] = []
          const tell = (_: unknown, one: TimeLookUp) => found.push(one)
          const question = { topic: 'pub', partition: 0, position: 0n, start: 0n }
          await how(cluster, catalog, [question], { now: Date.now(), tell }, signal)
          return found[0]
        }

        expect(await look(lookUpTimes)).toMatchObject({ isExact: true })
        expect(await look(readRecordTimes)).toMatchObject({ reason: 'unauthorized' })
        const refused = await readRetention(cluster, ['pub', 'secret'], signal)
        expect([...refused.retentions.values()]).toEqual(['unauthorized', 'unauthorized'])
        expect(refused.problems.map(({ reason }) => reason)).toEqual(['unauthorized'])

        await allow(['TOPIC', 'pub', 'READ'], ['TOPIC', 'pub', 'DESCRIBE_CONFIGS'])
        expect(await look(readRecordTimes)).toMatchObject({ isExact: true })
        const { retentions } = await readRetention(cluster, ['pub', 'secret'], signal)
        expect(retentions.get('pub')).toMatchObject({ cleanup: 'delete', timestampType: 'CreateTime' })
        expect(retentions.get('secret')).toBe('unauthorized')
        cluster.close()
      })

    it('a topic that is hidden is found where a member is assigned to it', async () => {
      await allow(['GROUP', 'live', isOld ? 'READ' : 'DESCRIBE'])
      const { rows } = await seen()

      expect(rows['live secret/0']).toBe('incomplete')
    })

    it('with the hidden topic too, everything is right', async () => {
      await allow(['TOPIC', 'secret', 'DESCRIBE'])
      const { rows, problems } = await seen()

      expect(rows).toMatchObject({ 'seen pub/0': '6', 'seen secret/0': '15', 'live secret/0': 'no_position' })
      if (isAtLeast(version, '2.1')) expect(problems).toEqual([])
    })

    it('a group that may be listed and not described is a problem, and not a lag of nothing', async () => {
      await allow(['CLUSTER', 'kafka-cluster', isOld ? 'ALL' : 'DESCRIBE'])
      const { rows, problems } = await seen()

      expect(rows).not.toHaveProperty('hidden pub/0')
      expect(problems).toContain('unauthorized hidden')
    })
  })
}
