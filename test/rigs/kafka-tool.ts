import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaJars } from './jars.ts'
import { jvmFlags, writeLogSettings } from './jvm.ts'
import { inOrder } from './order.ts'
import { run } from './run.ts'
import { isAtLeast } from './version.ts'

// Most moved from `kafka.` to `org.apache.kafka.tools.` between 3.7 and 4.0; the first that the jars hold is meant.
const classes = {
  topics: ['org.apache.kafka.tools.TopicCommand', 'kafka.admin.TopicCommand'],
  producer: ['org.apache.kafka.tools.ConsoleProducer', 'kafka.tools.ConsoleProducer'],
  consumer: ['org.apache.kafka.tools.consumer.ConsoleConsumer', 'kafka.tools.ConsoleConsumer'],
  groups: ['org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', 'kafka.admin.ConsumerGroupCommand'],
  offsets: ['org.apache.kafka.tools.GetOffsetShell', 'kafka.tools.GetOffsetShell'],
  configs: ['org.apache.kafka.tools.ConfigCommand', 'kafka.admin.ConfigCommand'],
  acls: ['org.apache.kafka.tools.AclCommand', 'kafka.admin.AclCommand'],
  shareGroups: ['org.apache.kafka.tools.consumer.group.ShareGroupCommand'],
  shareConsumer: ['org.apache.kafka.tools.consumer.ConsoleShareConsumer'],
  streamsGroups: ['org.apache.kafka.tools.streams.StreamsGroupCommand'],
  allGroups: ['org.apache.kafka.tools.GroupsCommand'],
  offsetChecker: ['kafka.tools.ConsumerOffsetChecker'],
} as const

type KafkaTool = keyof typeof classes

export interface GroupRow {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** Absent where the tool prints `-`: the group has a member on the partition and no commit. */
  readonly current: bigint | undefined
  readonly end: bigint | undefined
  /** May be negative: the tool subtracts, whatever comes out. */
  readonly lag: bigint | undefined
}

export interface LogOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/**
 * Runs a tool that this Kafka ships and returns its standard output.
 * @throws Error when this version has no such tool, or it ends with an exit code other than 0
 */
export async function kafkaTool(version: string, tool: KafkaTool, args: readonly string[]): Promise<string> {
  const jars = await kafkaJars(version)
  const mainClass = await findClass(jars, classes[tool])
  if (mainClass === undefined) throw new Error(`Run Kafka tool "${tool}": Kafka ${version} has none`)
  const logFolder = await mkdtemp(join(tmpdir(), 'lagkeeper-kafka-tool-'))
  try {
    const flags = [...jvmFlags('128m'), ...(await writeLogSettings(logFolder, 'ERROR'))]
    const { code, stdout, stderr } = await run('java', [...flags, '-cp', join(jars, '*'), mainClass, ...args])
    if (code === 0) return stdout
    throw new Error(`Run Kafka tool "${tool} ${args.join(' ')}": exit code ${code}\n${stdout}\n${stderr}`)
  } finally {
    await rm(logFolder, { recursive: true, force: true })
  }
}

/**
 * What the group tool says of some groups, or of all. For groups with ordinary names only: its columns are parted by
 * blanks. What old tools hide: up to 1.1 partitions without a commit, before 1.0 (when asked for all) groups that
 * committed without members, before 0.10.2 every group without members. Before 2.4 a call of the tool for each group.
 */
export async function describeGroups(
  version: string,
  bootstrap: string,
  ...groups: readonly string[]
): Promise<readonly GroupRow[]> {
  const server = [...(isAtLeast(version, '0.10.1') ? [] : ['--new-consumer']), '--bootstrap-server', bootstrap]
  if (isAtLeast(version, '2.4')) {
    const chosen = groups.length === 0 ? ['--all-groups'] : groups.flatMap((group) => ['--group', group])
    return parseGroupRows(await kafkaTool(version, 'groups', [...server, '--describe', ...chosen]))
  }
  if (groups.length === 1)
    return parseGroupRows(
      await kafkaTool(version, 'groups', [...server, '--describe', '--group', ...groups]),
      groups[0],
    )
  const listed = groups.length > 0 ? groups : (await kafkaTool(version, 'groups', [...server, '--list'])).split('\n')
  const rows: GroupRow[] = []
  for (const name of listed.filter((line) => line !== ''))
    rows.push(...(await describeGroups(version, bootstrap, name)))
  return rows
}

/**
 * What ConsumerOffsetChecker, the group tool up to 0.10.0 for offsets in ZooKeeper and in Kafka, says of one group. It
 * knows no groups that keep their offsets in Kafka alone, so the topics must be named.
 */
export async function checkOffsets(
  version: string,
  zookeeper: string,
  group: string,
  topics: readonly string[],
): Promise<readonly GroupRow[]> {
  const args = ['--zookeeper', zookeeper, '--group', group, '--topic', topics.join(',')]
  return parseGroupRows(await kafkaTool(version, 'offsetChecker', args), group)
}

/**
 * Where logs begin or end, by GetOffsetShell. Without `topics`: of all, which only versions from 3.0 can say.
 * Partitions without a leader are left out.
 */
export async function logOffsets(
  version: string,
  bootstrap: string,
  which: 'earliest' | 'latest',
  topics?: readonly string[],
): Promise<readonly LogOffset[]> {
  const time = ['--time', which === 'latest' ? '-1' : '-2']
  if (isAtLeast(version, '3.0')) {
    // From here on the option is a pattern.
    const pattern = topics?.map((topic) => topic.replaceAll('.', '\\.')).join('|')
    const chosen = pattern === undefined ? ['--exclude-internal-topics'] : ['--topic', pattern]
    return parseLogOffsets(await kafkaTool(version, 'offsets', ['--bootstrap-server', bootstrap, ...time, ...chosen]))
  }
  if (topics === undefined) throw new Error(`Ask Kafka ${version} for log offsets: before 3.0 it needs topics by name`)
  const rows: LogOffset[] = []
  for (const topic of topics)
    rows.push(
      ...parseLogOffsets(await kafkaTool(version, 'offsets', ['--broker-list', bootstrap, ...time, '--topic', topic])),
    )
  return rows
}

// The names of entries stand as plain text in a jar, so it need not be unpacked.
async function findClass(jars: string, candidates: readonly string[]): Promise<string | undefined> {
  const names = (await readdir(jars)).filter((name) => /^kafka(_2\.\d+|-tools)-\d/.test(name))
  const contents = await Promise.all(names.map((name) => readFile(join(jars, name))))
  return candidates.find((candidate) => {
    const entry = `${candidate.replaceAll('.', '/')}.class`
    return contents.some((content) => content.includes(entry))
  })
}

// Old names of columns. 0.9 parts its columns by a comma and a blank, all others by blanks.
const renamed: readonly (readonly [string, string])[] = [
  ['CURRENT OFFSET', 'CURRENT-OFFSET'],
  ['LOG END OFFSET', 'LOG-END-OFFSET'],
  ['PID', 'PARTITION'],
  ['LOGSIZE', 'LOG-END-OFFSET'],
  [' OFFSET ', ' CURRENT-OFFSET '],
]

/** Columns come and go between versions (GROUP from 2.0, an epoch from 4.1), so they are found by their heading. */
export function parseGroupRows(output: string, group = ''): readonly GroupRow[] {
  const rows: GroupRow[] = []
  let heading: readonly string[] = []
  for (const line of output.split('\n')) {
    const cells = line.trim().split(/,?\s+/)
    const named = headingOf(line)
    if (named.includes('CURRENT-OFFSET')) heading = named
    else if (heading.length > 0 && cells.length > 3) {
      const cell = (name: string) => cells[heading.indexOf(name)] ?? '-'
      rows.push({
        group: heading.includes('GROUP') ? cell('GROUP') : group,
        topic: cell('TOPIC'),
        partition: Number(cell('PARTITION')),
        current: parseOffset(cell('CURRENT-OFFSET')),
        end: parseOffset(cell('LOG-END-OFFSET')),
        lag: parseOffset(cell('LAG')),
      })
    }
  }
  return inOrder(rows.filter(({ topic }) => topic !== '-'))
}

function headingOf(line: string): readonly string[] {
  if (!/^group\b|^topic\b/i.test(line.trim())) return []
  const modern = renamed.reduce((text, [old, now]) => text.replaceAll(old, now), line.toUpperCase())
  return modern.trim().split(/,?\s+/)
}

function parseOffset(cell: string): bigint | undefined {
  return /^-?\d+$/.test(cell) ? BigInt(cell) : undefined
}

function parseLogOffsets(output: string): readonly LogOffset[] {
  const rows: LogOffset[] = []
  for (const line of output.split('\n')) {
    const [, topic, partition, offset] = /^(\S+):(\d+):(\d+)$/.exec(line) ?? []
    if (topic !== undefined && offset !== undefined)
      rows.push({ topic, partition: Number(partition), offset: BigInt(offset) })
  }
  return inOrder(rows)
}
