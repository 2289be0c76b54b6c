import { kafkaTool } from './kafka-tool.ts'

/** What the share group tool says of one partition. */
export interface ShareRow {
  readonly topic: string
  readonly partition: number
  /** Absent where the tool prints `-`: nobody has fetched from the partition yet. */
  readonly start: bigint | undefined
  /** Absent before 4.2, which has no such column. */
  readonly lag: bigint | undefined
}

/** `kafka-share-groups.sh --describe`, from Kafka 4.0. */
export async function describeShareGroup(
  version: string,
  bootstrap: string,
  group: string,
): Promise<readonly ShareRow[]> {
  const args = ['--bootstrap-server', bootstrap, '--describe', '--group', group]
  const cells = tableOf(await kafkaTool(version, 'shareGroups', args), 'START-OFFSET')
  return cells.map((cell) => ({
    topic: cell('TOPIC'),
    partition: Number(cell('PARTITION')),
    start: offsetOf(cell('START-OFFSET')),
    lag: offsetOf(cell('LAG')),
  }))
}

/** What the streams group tool says of one partition. */
export interface StreamsRow {
  readonly topic: string
  readonly partition: number
  readonly current: bigint | undefined
  readonly end: bigint | undefined
  readonly lag: bigint | undefined
}

/** `kafka-streams-groups.sh --describe --offsets --verbose`, from Kafka 4.1; only while a member lives. */
export async function describeStreamsGroup(
  version: string,
  bootstrap: string,
  group: string,
): Promise<readonly StreamsRow[]> {
  const args = ['--bootstrap-server', bootstrap, '--describe', '--offsets', '--verbose', '--group', group]
  const cells = tableOf(await kafkaTool(version, 'streamsGroups', args), 'OFFSET-LAG')
  return cells.map((cell) => ({
    topic: cell('TOPIC'),
    partition: Number(cell('PARTITION')),
    current: offsetOf(cell('CURRENT-OFFSET')),
    end: offsetOf(cell('LOG-END-OFFSET')),
    lag: offsetOf(cell('OFFSET-LAG')),
  }))
}

/** The rows under the heading that has this column, as look-ups by column; `-` for a column that is not there. */
function tableOf(output: string, column: string): readonly ((name: string) => string)[] {
  const lines = output.split('\n').map((line) => line.trim().split(/\s+/))
  const heading = lines.find((cells) => cells.includes(column)) ?? []
  const rows = lines.slice(lines.indexOf(heading) + 1).filter((cells) => cells.length === heading.length)
  return rows.map((cells) => (name) => cells[heading.indexOf(name)] ?? '-')
}

function offsetOf(cell: string): bigint | undefined {
  return /^-?\d+$/.test(cell) ? BigInt(cell) : undefined
}
