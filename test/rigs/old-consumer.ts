import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaJars } from './jars.ts'
import { jvmFlags, propertiesText, writeLogSettings } from './jvm.ts'
import { checkOffsets, type GroupRow, kafkaTool } from './kafka-tool.ts'
import { inOrder } from './order.ts'
import { startProcess } from './process.ts'
import { isAtLeast } from './version.ts'

interface OldConsumerOptions {
  /** 0.8 to 1.1. */
  readonly version: string
  readonly zookeeper: string
  readonly group: string
  readonly topic: string
  /** Where its offsets go; `both` is Kafka with `dual.commit.enabled`. */
  readonly storage: 'zookeeper' | 'kafka' | 'both'
  /** Only for a group that has no offsets yet: else the console consumer refuses. */
  readonly fromBeginning?: boolean
}

/** Kafka's console consumer on its old consumer: takes so many records, commits, and leaves. */
export async function consumeOld(options: OldConsumerOptions & { readonly records: number }): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'lagkeeper-old-consumer-'))
  try {
    const args = [...(await consoleArguments(dir, options)), '--max-messages', String(options.records)]
    await kafkaTool(options.version, 'consumer', args)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** The same, as a member that reads until it is stopped and commits every half second. It need not be in the group yet. */
export async function startOldConsumer(options: OldConsumerOptions): Promise<AsyncDisposable> {
  const dir = await mkdtemp(join(tmpdir(), 'lagkeeper-old-consumer-'))
  const jars = await kafkaJars(options.version)
  const flags = [...jvmFlags('128m'), ...(await writeLogSettings(dir, 'ERROR'))]
  const consumer = await startProcess({
    name: `old consumer of ${options.group}`,
    command: 'java',
    args: [...flags, '-cp', join(jars, '*'), 'kafka.tools.ConsoleConsumer', ...(await consoleArguments(dir, options))],
    logFile: join(dir, 'consumer.log'),
    ready: [],
  })
  return {
    [Symbol.asyncDispose]: async () => {
      await consumer.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function consoleArguments(dir: string, options: OldConsumerOptions): Promise<readonly string[]> {
  const { group, topic, storage, zookeeper, fromBeginning = false } = options
  const file = join(dir, 'consumer.properties')
  await writeFile(
    file,
    propertiesText({
      'group.id': group,
      'offsets.storage': storage === 'zookeeper' ? 'zookeeper' : 'kafka',
      'dual.commit.enabled': String(storage === 'both'),
      'auto.commit.interval.ms': '500',
    }),
  )
  const start = fromBeginning ? ['--from-beginning'] : []
  return ['--zookeeper', zookeeper, '--topic', topic, '--consumer.config', file, ...start]
}

/** What Kafka's own tool says of a group of old consumers: ConsumerOffsetChecker, from 1.0 on the group tool. */
export async function describeOldGroup(
  version: string,
  zookeeper: string,
  group: string,
  topic: string,
): Promise<readonly GroupRow[]> {
  if (!isAtLeast(version, '1.0')) return checkOffsets(version, zookeeper, group, [topic])
  const output = await kafkaTool(version, 'groups', ['--zookeeper', zookeeper, '--describe', '--group', group])
  const lines = output.split('\n').map((line) => line.trim().split(/\s+/))
  const heading = lines.find((cells) => cells.includes('CURRENT-OFFSET')) ?? []
  const number = (cell: string | undefined) => (/^-?\d+$/.test(cell ?? '') ? BigInt(cell ?? '') : undefined)
  return inOrder(
    lines.flatMap((cells) => {
      const cell = (name: string) => cells[heading.indexOf(name)]
      if (cell('TOPIC') !== topic) return []
      return [
        {
          group,
          topic,
          partition: Number(cell('PARTITION')),
          current: number(cell('CURRENT-OFFSET')),
          end: number(cell('LOG-END-OFFSET')),
          lag: number(cell('LAG')),
        },
      ]
    }),
  )
}
