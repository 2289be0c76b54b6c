/**
 * Records golden frames from real brokers into test/fixtures/kafka-wire/<version>/. Run by hand, and look at the
 * difference before keeping it; ports, topic ids and member ids change with every run:
 *
 *     npx tsx test/kafka-wire/record-golden.ts 4.3.1 3.9.2 1.1.1 0.10.2.2
 *
 * The oracle of our codecs is the broker: it has read our requests and answered what the scenario says, and its answers
 * are the bytes that our decoders must understand. The simulator, which uses the same codecs, can never show that.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { decodeApiVersionsResponse, encodeApiVersionsRequest } from '../../src/kafka-wire/api-versions.ts'
import { type Api, apis } from '../../src/kafka-wire/apis.ts'
import { decodeResponseHeader, encodeRequestHeader } from '../../src/kafka-wire/headers.ts'
import { encodeSaslHandshakeRequest } from '../../src/kafka-wire/sasl-handshake.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { kafkaTool } from '../rigs/kafka-tool.ts'
import { rigUsers } from '../rigs/kafka-users.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { isAtLeast } from '../rigs/version.ts'
import { type BrokerLink, openBrokerLink } from './broker-link.ts'
import { commitOffsets } from './commit-offsets.ts'
import { authenticateRequests, type Exchange, exchanges, groupKinds, handshakes } from './exchanges.ts'
import { type GoldenFrame, type RecordedFacts, scenario } from './scenario.ts'

const folder = fileURLToPath(new URL('../fixtures/kafka-wire/', import.meta.url))

for (const version of process.argv.slice(2)) await recordBroker(version)

async function recordBroker(version: string): Promise<void> {
  await using rig = await startKafka({ version, security: 'secure' })
  await using client = await startRigClient({ version, bootstrap: rig.bootstrap })
  const deletesRecords = isAtLeast(version, '0.11')
  const hasModern = isAtLeast(version, '4.0')
  const hasNewest = isAtLeast(version, '4.2')

  const topics = Object.entries(scenario.topics)
  const configs = { 'retention.ms': '-1' }
  await client.createTopics(topics.map(([name, counts]) => ({ name, partitions: counts.length, configs })))
  await client.produceMany(
    topics.flatMap(([topic, counts]) =>
      counts.flatMap((count, partition) =>
        count === 0 ? [] : [{ topic, partition, count, timestampMs: scenario.recordTimestampMs }],
      ),
    ),
  )
  if (deletesRecords) await client.deleteRecords('payments', 0, BigInt(scenario.paymentsStart))
  await client.hold({ protocol: 'classic', group: scenario.live, topic: 'orders' })
  if (hasModern) await client.hold({ protocol: 'consumer', group: scenario.modern, topic: 'payments' })
  await using link = await openBrokerLink(rig.bootstrap)
  await commitOffsets(link, isAtLeast(version, '2.1') ? 6 : 2, scenario.commits)

  const facts: RecordedFacts = {
    kafka: version,
    port: Number(rig.bootstrap.split(':')[1]),
    ...(await clusterId(rig)),
    topicIds: isAtLeast(version, '2.8') ? await topicIds(version, rig.bootstrap) : {},
    deletesRecords,
    hasModern,
    hasNewest,
  }
  const frames = await recordFrames(link, exchanges)
  if (hasNewest) await joinNewestGroups(client)
  frames.push(...(await recordFrames(link, groupKinds)))
  frames.push(...(await recordSasl(rig.secure?.saslPlaintext ?? '', await ranges(link))))
  await rm(join(folder, version), { recursive: true, force: true })
  await mkdir(join(folder, version), { recursive: true })
  await save(version, 'facts', facts)
  for (const { name, frame } of frames) await save(version, name, frame)
  console.info(`${version}: ${frames.length} exchanges`)
}

interface Recorded {
  readonly name: string
  readonly frame: GoldenFrame
}

/** Settles when both groups have a state to tell: the broker moves on after the calls of the clients. */
async function joinNewestGroups(client: RigClient): Promise<void> {
  const member = await client.share({ group: scenario.sharing, topic: 'orders' })
  await member.take(2, 1)
  await client.stream({ group: scenario.counting, topic: 'payments', between: 1 })
  await sleep(5_000)
}

async function recordFrames(link: BrokerLink, asked: readonly Exchange[]): Promise<Recorded[]> {
  const known = await ranges(link)
  const recorded: Recorded[] = []
  for (const { api, name, version, body } of asked)
    if (speaks(known, api, version)) recorded.push({ name, frame: await exchange(link, api, version, body) })
  return recorded
}

/** SaslAuthenticate came with SaslHandshake v1; each try needs a connection of its own. */
async function recordSasl(address: string, known: Ranges): Promise<Recorded[]> {
  const recorded: Recorded[] = []
  for (const { name, api, version, body } of [...handshakes, ...authenticateRequests(rigUsers.admin)]) {
    if (!speaks(known, api, version)) continue
    await using link = await openBrokerLink(address)
    if (api === apis.SaslAuthenticate)
      await exchange(link, apis.SaslHandshake, 1, encodeSaslHandshakeRequest(1, { mechanism: 'PLAIN' }))
    recorded.push({ name, frame: await exchange(link, api, version, body) })
  }
  return recorded
}

async function exchange(link: BrokerLink, api: Api, version: number, body: Buffer): Promise<GoldenFrame> {
  const request = Buffer.concat([encodeRequestHeader(api, version, scenario.correlation), body])
  const response = await link.ask(request)
  return { api: api.name, version, request: request.toString('hex'), response: response.toString('hex') }
}

type Ranges = ReadonlyMap<number, { readonly min: number; readonly max: number }>

async function ranges(link: BrokerLink): Promise<Ranges> {
  const { response } = await exchange(link, apis.ApiVersions, 0, encodeApiVersionsRequest(0))
  const { body } = decodeResponseHeader(apis.ApiVersions, 0, Buffer.from(response, 'hex'))
  return new Map(decodeApiVersionsResponse(0, body).ranges.map((range) => [range.key, range]))
}

function speaks(known: Ranges, api: Api, version: number): boolean {
  const range = known.get(api.key)
  return range !== undefined && version >= range.min && version <= range.max
}

async function clusterId(rig: KafkaRig): Promise<Pick<RecordedFacts, 'clusterId'>> {
  const properties = await readFile(join(rig.dir, '1', 'data', 'meta.properties'), 'utf8')
  const [, id] = /^cluster\.id=(.*)$/m.exec(properties) ?? []
  return id === undefined ? {} : { clusterId: id }
}

async function topicIds(version: string, bootstrap: string): Promise<Record<string, string>> {
  const text = await kafkaTool(version, 'topics', ['--bootstrap-server', bootstrap, '--describe'])
  const lines = text.matchAll(/^Topic: (\S+)\s+TopicId: (\S+)/gm)
  return Object.fromEntries(Array.from(lines, ([, name, id]) => [name, id]))
}

async function save(version: string, name: string, value: unknown): Promise<void> {
  await writeFile(join(folder, version, `${name}.json`), `${JSON.stringify(value, undefined, 2)}\n`)
}
