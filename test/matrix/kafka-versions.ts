import { isAtLeast } from '../rigs/version.ts'

/** One row of the matrix: a real Kafka as it is started for it. */
export interface KafkaUnderMatrix {
  readonly version: string
  readonly mode: 'zookeeper' | 'kraft'
  readonly brokers: 1 | 3
}

/** The first and the last patch of what is in the field, from the first Kafka with offsets in Kafka to the newest. */
const versions: readonly string[] = [
  '0.8.2.2',
  '0.9.0.1',
  '0.10.0.1',
  '0.10.2.2',
  '0.11.0.3',
  '1.0.2',
  '1.1.1',
  '2.0.1',
  '2.1.1',
  '2.3.1',
  '2.4.1',
  '2.6.3',
  '2.8.2',
  '3.0.2',
  '3.3.2',
  '3.5.2',
  '3.7.2',
  '3.8.1',
  '3.9.1',
  '3.9.2',
  '4.0.2',
  '4.1.2',
  '4.2.1',
  '4.3.1',
  '4.4.0',
]

const alone: readonly KafkaUnderMatrix[] = versions.map((version) => ({
  version,
  mode: isAtLeast(version, '3.3') ? 'kraft' : 'zookeeper',
  brokers: 1,
}))

/** Everything that `kafka-versions.test.ts` starts, in this order. */
export const kafkaMatrix: readonly KafkaUnderMatrix[] = [
  ...alone,
  { version: '3.9.1', mode: 'zookeeper', brokers: 1 },
  { version: '2.8.2', mode: 'zookeeper', brokers: 3 },
  { version: '4.3.1', mode: 'kraft', brokers: 3 },
]

/** How a row is called in tests, in the results and in `docs/compatibility.md`. */
export function matrixName({ version, mode, brokers }: KafkaUnderMatrix): string {
  const how = mode === 'kraft' ? 'KRaft' : 'ZooKeeper'
  return `${version}, ${how}${brokers === 1 ? '' : `, ${brokers} brokers`}`
}

/** Up to 0.10.1 no Java client of today can do what the loads need. */
export function isOld({ version }: KafkaUnderMatrix): boolean {
  return !isAtLeast(version, '0.10.2')
}
