import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterCollector, createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { createKafkaCluster, type KafkaCluster } from '../../src/kafka/cluster.ts'
import {
  decodeFindCoordinatorResponse,
  encodeFindCoordinatorRequest,
  GROUP_KEY,
} from '../../src/kafka-wire/find-coordinator.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { systemClock as clock } from '../../src/runtime/clock.ts'
import { askOnce } from '../contract/kafka-socket.ts'
import { openBrokerLink } from '../kafka-wire/broker-link.ts'
import { commitOffsets } from '../kafka-wire/commit-offsets.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { kafkaTool } from '../rigs/kafka-tool.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

const version = '4.3.1'
const signal = new AbortController().signal

let kafka: KafkaRig
let rig: RigClient
let cluster: KafkaCluster
let collector: ClusterCollector

beforeAll(async () => {
  kafka = await startKafka({ version, brokers: 3, heap: '192m' })
  rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
  cluster = createKafkaCluster({ bootstrap: kafka.bootstrap.split(','), requestTimeoutMs: 5_000, clock })
  const keepTopic = (name: string): boolean => !name.startsWith('__')
  collector = createClusterCollector({
    kafkaCluster: 'real',
    cluster,
    sources: [createKafkaGroups({ cluster, clock, keepConsumer: () => true, keepTopic })],
    keepTopic,
    intervalMs: 15_000,
    noPosition: () => 'ignore',
    objectives: () => [],
    clock,
    observer: silentObserver,
  })
})
afterAll(async () => {
  cluster?.close()
  await rig?.stop()
  await kafka?.stop()
})

/** By consumer, its lag or the reason; the lag is an earlier one while the reason is there too. */
function shown(snapshot: Snapshot): Record<string, string> {
  return Object.fromEntries(
    [...lagRows(snapshot)].map((row) => [
      row.consumer,
      [row.recordsLag, row.reason].filter((word) => word !== undefined).join(' '),
    ]),
  )
}

describe('an unclean election', () => {
  it('takes the tail of the log away: positions in it are truncated where their epoch is known', async () => {
    const configs = { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' }
    await rig.createTopics([{ name: 'torn', replicas: 2, configs }])
    await rig.produce('torn', 0, 100)
    for (const group of ['with-epoch', 'without-epoch', 'behind']) await rig.commit(group, [place(90n)])
    const { leader, follower } = await replicas()

    // The follower misses forty records, to which three groups commit.
    await kafka.brokers[follower - 1]!.kill()
    await rig.produce('torn', 0, 40)
    await rig.commit('without-epoch', [place(140n)])
    await commitWithEpoch('with-epoch', 140, leader)
    expect(shown(await collector.cycle(signal))).toEqual({ 'with-epoch': '0', 'without-epoch': '0', behind: '50' })

    await kafka.brokers[leader - 1]!.kill()
    await kafka.brokers[follower - 1]!.restart()

    const expected = { 'with-epoch': 'truncated', 'without-epoch': 'position_beyond_end', behind: '10' }
    const until = Date.now() + 60_000
    let last: Record<string, string> = {}
    while (Date.now() < until) {
      last = shown(await collector.cycle(signal))
      if (JSON.stringify(sorted(last)) === JSON.stringify(sorted(expected))) break
      // On the way rows are held or unknown, and never of two moments.
      for (const lag of Object.values(last)) expect(lag).toMatch(/^(\d+ )?[a-z_]+$|^10$/)
      await delay(500)
    }
    expect(last).toEqual(expected)
  })
})

function place(offset: bigint) {
  return { topic: 'torn', partition: 0, offset }
}

function sorted(of: Record<string, string>): readonly (readonly [string, string])[] {
  return Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1))
}

async function replicas(): Promise<{ leader: number; follower: number }> {
  const text = await kafkaTool(version, 'topics', [
    '--bootstrap-server',
    kafka.bootstrap,
    '--describe',
    '--topic',
    'torn',
  ])
  const [, leader = '', all = ''] = /Leader: (\d+)\s+Replicas: ([\d,]+)/.exec(text) ?? []
  const follower = all.split(',').find((id) => id !== leader)
  if (follower === undefined) throw new Error(`No follower in ${text}`)
  return { leader: Number(leader), follower: Number(follower) }
}

/** As a consumer commits: with the leader epoch of its last record, here 0. */
async function commitWithEpoch(group: string, offset: number, alive: number): Promise<void> {
  const addresses = kafka.bootstrap.split(',')
  const body = encodeFindCoordinatorRequest(4, { keyType: GROUP_KEY, keys: [group] })
  const answer = await askOnce(addresses[alive - 1] ?? '', 'FindCoordinator', 4, body)
  const { host, port } = decodeFindCoordinatorResponse(4, answer).coordinators[0]!
  await using link = await openBrokerLink(`${host}:${port}`)
  await commitOffsets(link, 6, [{ group, topic: 'torn', partition: 0, offset, metadata: '' }])
}
