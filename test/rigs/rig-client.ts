import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached } from './cache.ts'
import { kafkaClientsJars, kafkaStreamsJars } from './jars.ts'
import { jvmFlags, propertiesText } from './jvm.ts'
import { inOrder } from './order.ts'
import { startProcess } from './process.ts'
import type { Batch, GroupPosition, LogEnds, Position, RigClient, TopicSpec } from './rig-contract.ts'
import { createRequests, decodeText, encodeText } from './rig-protocol.ts'
import { runOrThrow } from './run.ts'
import { isAtLeast } from './version.ts'

export type { GroupPosition, Oracle, RigClient, TopicSpec } from './rig-contract.ts'

// About 1.4 ms a group, so that one request stays far below its limit.
const commitsAtOnce = 5_000

export interface RigClientOptions {
  /** Of the broker, from 0.10.2; older ones cannot be spoken to by clients that know the Admin API. */
  readonly version: string
  readonly bootstrap: string
  /** For every client: security settings, say. */
  readonly properties?: Readonly<Record<string, string>>
}

/**
 * Starts one Java process on the Kafka clients. One source serves all brokers because the clients are 3.9.2 for brokers
 * up to 3.x and 4.3.1 from 4.0; the tools that ship with a broker (`kafka-tool.ts`) are of its own version and stay
 * the independent judge.
 */
export async function startRigClient(options: RigClientOptions): Promise<RigClient> {
  const clientVersion = isAtLeast(options.version, '4.0') ? '4.3.1' : '3.9.2'
  const folders = [await kafkaClientsJars(clientVersion)]
  if (isAtLeast(clientVersion, '4.0')) folders.push(await kafkaStreamsJars(clientVersion))
  const jars = folders.map((folder) => join(folder, '*')).join(':')
  const classes = await compiled(clientVersion, jars)
  const dir = await mkdtemp(join(tmpdir(), 'lagkeeper-rig-client-'))
  const file = join(dir, 'client.properties')
  const properties = {
    'bootstrap.servers': options.bootstrap,
    // Brokers before 0.11 know no idempotent producer.
    ...(!isAtLeast(options.version, '0.11') && { 'enable.idempotence': 'false' }),
    ...options.properties,
  }
  await writeFile(file, propertiesText(properties))
  let isReady = false
  const requests = createRequests()
  const java = await startProcess({
    name: 'rig client',
    command: 'java',
    args: [...jvmFlags('256m'), '-cp', `${classes}:${jars}`, 'Rig', file],
    logFile: join(dir, 'client.log'),
    ready: [async () => isReady],
    onLine: (line) => {
      if (line === 'READY') isReady = true
      else requests.answer(line)
    },
  })
  void java.exited().then(() => requests.fail('the rig client has ended'))
  const ask = (command: string, fields: readonly string[]) => requests.ask(java.send, command, fields)
  const stop = async () => {
    await java.kill()
    await rm(dir, { recursive: true, force: true })
  }
  const produceMany = async (batches: readonly Batch[]) => {
    await ask('produce', batches.flatMap(batchFields))
  }
  const commitMany = async (positions: readonly GroupPosition[]) => {
    for (let start = 0; start < positions.length; start += commitsAtOnce)
      await ask('commit', positions.slice(start, start + commitsAtOnce).flatMap(groupPositionFields))
  }
  const committed = async (groups: readonly string[]) => {
    const answer = await ask('committed', groups.map(encodeText))
    return inOrder(
      rows(answer, 4).map(([group, ...position]) => ({ group: decodeText(group), ...toPosition(position) })),
    )
  }
  return {
    createTopics: async (topics) => {
      await ask('createTopics', topics.flatMap(topicFields))
    },
    deleteTopics: async (names) => {
      await ask('deleteTopics', names.map(encodeText))
    },
    deleteRecords: async (topic, partition, before) => {
      await ask('deleteRecords', positionFields({ topic, partition, offset: before }))
    },
    deleteGroups: async (groups) => {
      await ask('deleteGroups', groups.map(encodeText))
    },
    produce: (topic, partition, count) => produceMany([{ topic, partition, count }]),
    produceMany,
    commit: (group, positions) => commitMany(positions.map((position) => ({ group, ...position }))),
    commitMany,
    transact: async (topic, partition, count, end) => {
      await ask('transaction', [encodeText(topic), String(partition), String(count), end])
    },
    openTransaction: async (topic, partition, count) => {
      const [name = ''] = await ask('transaction', [encodeText(topic), String(partition), String(count), 'open'])
      return {
        end: async (how) => {
          await ask('endTransaction', [name, how])
        },
      }
    },
    consume: async ({ protocol, group, topic, count, isolation = 'read_uncommitted' }) => {
      const fields = [protocol, isolation, encodeText(group), encodeText(topic), String(count)]
      return rows(await ask('consume', fields), 3).map(toPosition)
    },
    hold: async ({ protocol, group, topic }) => {
      const [name = ''] = await ask('hold', [protocol, encodeText(group), encodeText(topic)])
      return {
        release: async () => {
          await ask('release', [name])
        },
      }
    },
    share: async ({ group, topic }) => {
      const [name = ''] = await ask('share', [encodeText(group), encodeText(topic)])
      return {
        take: async (count, skip = 0) => {
          await ask('take', [name, String(skip), String(count)])
        },
        release: async () => {
          await ask('leaveShare', [name])
        },
      }
    },
    stream: async ({ group, topic, between }) => {
      const [name = ''] = await ask('stream', [encodeText(group), encodeText(topic), String(between)])
      return {
        release: async () => {
          await ask('stopStream', [name])
        },
      }
    },
    allow: async ({ principal, resource, name, operation }) => {
      await ask('allow', [encodeText(principal), resource, encodeText(name), operation])
    },
    oracle: async (groups) => ({
      ends: inOrder(rows(await ask('ends', []), 5).map(toLogEnds)),
      committed: groups.length === 0 ? [] : await committed(groups),
    }),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function compiled(clientVersion: string, jars: string): Promise<string> {
  // What only newer clients have stands in a source of its own; without it the rig does the rest.
  const names = ['Rig', ...(isAtLeast(clientVersion, '4.0') ? ['NewerGroups'] : [])]
  const sources = names.map((name) => fileURLToPath(new URL(`java/${name}.java`, import.meta.url)))
  const hash = createHash('sha256')
  for (const source of sources) hash.update(await readFile(source))
  return cached(`rig-client-${clientVersion}-${hash.digest('hex').slice(0, 12)}`, async (folder) => {
    await runOrThrow('javac', ['-nowarn', '-proc:none', '-d', folder, '-cp', jars, ...sources])
  })
}

function topicFields({ name, partitions = 1, replicas = 1, configs = {} }: TopicSpec): readonly string[] {
  const pairs = Object.entries(configs)
  return [encodeText(name), String(partitions), String(replicas), String(pairs.length), ...pairs.flat().map(encodeText)]
}

function batchFields({ topic, partition, count, keys = 0, timestampMs = -1 }: Batch): readonly string[] {
  return [encodeText(topic), String(partition), String(count), String(keys), String(timestampMs)]
}

function positionFields({ topic, partition, offset }: Position): readonly string[] {
  return [encodeText(topic), String(partition), String(offset)]
}

function groupPositionFields({ group, ...position }: GroupPosition): readonly string[] {
  return [encodeText(group), ...positionFields(position)]
}

function toPosition([topic = '', partition = '', offset = '']: readonly string[]): Position {
  return { topic: decodeText(topic), partition: Number(partition), offset: BigInt(offset) }
}

function toLogEnds([topic = '', partition = '', beginning = '', end = '', stable = '']: readonly string[]): LogEnds {
  return {
    topic: decodeText(topic),
    partition: Number(partition),
    beginning: BigInt(beginning),
    end: BigInt(end),
    stableEnd: stable === '' ? undefined : BigInt(stable),
  }
}

function rows(fields: readonly string[], width: number): readonly (readonly [string, ...string[]])[] {
  const table: [string, ...string[]][] = []
  for (let start = 0; start < fields.length; start += width) {
    const [first = '', ...rest] = fields.slice(start, start + width)
    table.push([first, ...rest])
  }
  return table
}
