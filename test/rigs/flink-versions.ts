import { isAtLeast } from './version.ts'

/** Versions of Flink that the rig starts, all on Java 17. */
export const flinkVersions = ['1.11.4', '1.12.5', '1.13.6', '1.14.6', '1.16.3', '1.18.1', '1.20.5', '2.2.1'] as const

export type FlinkVersion = (typeof flinkVersions)[number]

/** Which reader of Kafka a job uses: `source` is KafkaSource, `legacy` FlinkKafkaConsumer and its forebears. */
export type Reader = 'source' | 'legacy'

interface FlinkFacts {
  /** Maven coordinates; in the class path of every process, as a company would put them into `lib/`. */
  readonly connectors: readonly string[]
  /** Of kafka-clients: what this connector was built with. */
  readonly kafkaClient: string
  /** Folders of `flink/java` that compile against it, besides `common`. */
  readonly sources: readonly string[]
  readonly readers: readonly Reader[]
}

const group = 'org.apache.flink:flink-connector-kafka'

const facts: Readonly<Record<FlinkVersion, FlinkFacts>> = {
  '1.11.4': {
    connectors: [`${group}-0.11_2.11:1.11.4`, `${group}-0.10_2.11:1.11.4`, `${group}-base_2.11:1.11.4`],
    kafkaClient: '0.11.0.2',
    sources: ['legacy', 'legacy-0.11'],
    readers: ['legacy'],
  },
  // KafkaSource is there, and has no metrics of its own before 1.13.2.
  '1.12.5': {
    connectors: [`${group}_2.11:1.12.5`],
    kafkaClient: '2.4.1',
    sources: ['legacy', 'legacy-universal', 'source-early'],
    readers: ['legacy', 'source'],
  },
  // From here on KafkaSource has metrics, and the SQL of this version still reads with the legacy consumer.
  '1.13.6': { ...both(`${group}_2.12:1.13.6`, '2.4.1'), readers: ['legacy', 'source'] },
  '1.14.6': both(`${group}_2.11:1.14.6`, '2.4.1'),
  '1.16.3': both(`${group}:1.16.3`, '3.2.3'),
  '1.18.1': both(`${group}:3.2.0-1.18`, '3.4.0'),
  '1.20.5': both(`${group}:3.4.0-1.20`, '3.4.0'),
  '2.2.1': { connectors: [`${group}:5.0.0-2.2`], kafkaClient: '4.2.0', sources: ['source'], readers: ['source'] },
}

export function flinkFacts(version: FlinkVersion): FlinkFacts {
  return facts[version]
}

/** `class` says where the reporter is configured by its class: the factory's own name came with 1.11 and is used from 1.14. */
export function reporterKey(version: FlinkVersion): 'class' | 'factory.class' {
  return isAtLeast(version, '1.14') ? 'factory.class' : 'class'
}

/** The connector's name in SQL. */
export function sqlConnector(version: FlinkVersion): string {
  return isAtLeast(version, '1.12') ? 'kafka' : 'kafka-0.11'
}

// Flink's own list for Java 17, as its configuration carries it from 1.18 on; older ones need it the same.
const exports = [
  'java.base/sun.net.util',
  'java.rmi/sun.rmi.registry',
  'jdk.compiler/com.sun.tools.javac.api',
  'java.security.jgss/sun.security.krb5',
]
const opens = [
  'java.base/java.lang',
  'java.base/java.net',
  'java.base/java.io',
  'java.base/java.nio',
  'java.base/sun.nio.ch',
  'java.base/java.lang.reflect',
  'java.base/java.text',
  'java.base/java.time',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/java.util.concurrent.locks',
]

export const moduleFlags: readonly string[] = [
  ...exports.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...opens.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
]

function both(connector: string, kafkaClient: string): FlinkFacts {
  return {
    connectors: [connector],
    kafkaClient,
    sources: ['legacy', 'legacy-universal', 'source'],
    readers: ['source', 'legacy'],
  }
}
