import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, withLock } from './cache.ts'
import { run } from './run.ts'
import { isAtLeast } from './version.ts'

/**
 * Artifacts that versions `from` (inclusive) to `before` (exclusive) need. `*` is the version itself; ` alone` leaves
 * out the dependencies. Order is class path order.
 */
interface Need {
  readonly from: string
  readonly before?: string
  readonly artifacts: readonly string[]
}

const kafkaNeeds: readonly Need[] = [
  // The ZooKeeper clients 3.4.13 and 3.4.14 cannot connect on Java 14+ (UnresolvedAddressException); 3.4.10 can.
  { from: '2.0', before: '2.4', artifacts: ['org.apache.zookeeper:zookeeper:3.4.10 alone'] },
  { from: '0.8', before: '0.10.2', artifacts: ['org.apache.kafka:kafka_2.10:*'] },
  { from: '0.10.2', before: '2.4', artifacts: ['org.apache.kafka:kafka_2.12:*'] },
  { from: '2.4', artifacts: ['org.apache.kafka:kafka_2.13:*'] },
  { from: '3.5', before: '4.4', artifacts: ['org.apache.kafka:kafka-tools:*'] },
  // kafka-tools 4.4.0 asks for a Jetty that Maven Central did not serve.
  {
    from: '4.4',
    artifacts: [
      'org.apache.kafka:kafka-tools:* alone',
      'net.sourceforge.argparse4j:argparse4j:0.7.0',
      'com.fasterxml.jackson.dataformat:jackson-dataformat-csv:2.21.2 alone',
    ],
  },
  // Java 9 lost javax.xml.bind, which these brokers use for the cluster id.
  { from: '0.10.1', before: '1.0', artifacts: ['javax.xml.bind:jaxb-api:2.3.1'] },
  // A back end for the log: no log4j comes along.
  { from: '1.1', before: '4.0', artifacts: ['org.slf4j:slf4j-reload4j:1.7.36'] },
  {
    from: '4.0',
    artifacts: [
      'org.apache.logging.log4j:log4j-slf4j-impl:2.25.3',
      'org.apache.logging.log4j:log4j-core:2.25.3',
      'org.apache.logging.log4j:log4j-1.2-api:2.25.3',
    ],
  },
]

const clientsNeeds: readonly Need[] = [
  { from: '0.8', artifacts: ['org.apache.kafka:kafka-clients:*', 'org.slf4j:slf4j-simple:1.7.36'] },
]

// Without RocksDB, which is 70 MB and nothing that the rig does needs.
const streamsNeeds: readonly Need[] = [{ from: '4.0', artifacts: ['org.apache.kafka:kafka-streams:* alone'] }]

const zookeeperNeeds: readonly Need[] = [
  { from: '3.4', artifacts: ['org.apache.zookeeper:zookeeper:*'] },
  {
    from: '3.6',
    artifacts: ['io.dropwizard.metrics:metrics-core:4.1.12.1', 'org.xerial.snappy:snappy-java:1.1.10.5'],
  },
  { from: '3.5', artifacts: ['commons-cli:commons-cli:1.5.0'] },
  { from: '3.5', before: '3.8', artifacts: ['org.slf4j:slf4j-reload4j:1.7.36'] },
  { from: '3.8', artifacts: ['org.slf4j:slf4j-api:2.0.13', 'org.slf4j:slf4j-simple:2.0.13'] },
]

const hadoopNeeds: readonly Need[] = [
  {
    from: '3.3',
    artifacts: [
      'org.apache.hadoop:hadoop-yarn-server-resourcemanager:*',
      'org.apache.hadoop:hadoop-yarn-server-nodemanager:*',
      'org.apache.hadoop:hadoop-yarn-client:*',
      // Both servers load its TimelineCollectorManager, and do not say that they need it.
      'org.apache.hadoop:hadoop-yarn-server-timelineservice:*',
      'org.apache.hadoop:hadoop-common:*',
    ],
  },
]

const hadoopClientNeeds: readonly Need[] = [
  {
    from: '3.3',
    artifacts: [
      'org.apache.hadoop:hadoop-client-api:* alone',
      'org.apache.hadoop:hadoop-client-runtime:* alone',
      'commons-logging:commons-logging:1.2',
    ],
  },
]

// log4j 1.2.15 names jars that no registry has had for years; logback would compete with the back end above.
const neverFetched: readonly string[] = ['com.sun.jmx', 'com.sun.jdmk', 'ch.qos.logback', 'javax.jms']

/** The folder of jars of a broker with its tools and ZooKeeper. Fetched from Maven Central once. */
export function kafkaJars(version: string): Promise<string> {
  return fetchJars(`kafka-${version}`, artifactsOf(kafkaNeeds, version))
}

/** The folder of jars of the Kafka clients alone. */
export function kafkaClientsJars(version: string): Promise<string> {
  return fetchJars(`kafka-clients-${version}`, artifactsOf(clientsNeeds, version))
}

/** The folder of jars of Kafka Streams, to be used beside those of the clients. */
export function kafkaStreamsJars(version: string): Promise<string> {
  return fetchJars(`kafka-streams-${version}`, artifactsOf(streamsNeeds, version))
}

/** The folder of jars of a ZooKeeper server. */
export function zookeeperJars(version: string): Promise<string> {
  return fetchJars(`zookeeper-${version}`, artifactsOf(zookeeperNeeds, version))
}

/** The folder of jars of YARN's ResourceManager and NodeManager. */
export function hadoopJars(version: string): Promise<string> {
  return fetchJars(`hadoop-${version}`, artifactsOf(hadoopNeeds, version))
}

/** The folder of the shaded jars with which a program speaks to YARN. */
export function hadoopClientJars(version: string): Promise<string> {
  return fetchJars(`hadoop-client-${version}`, artifactsOf(hadoopClientNeeds, version))
}

function artifactsOf(needs: readonly Need[], version: string): readonly string[] {
  return needs
    .filter(({ from, before }) => isAtLeast(version, from) && (before === undefined || !isAtLeast(version, before)))
    .flatMap(({ artifacts }) => artifacts)
    .map((artifact) => artifact.replace('*', version))
}

/** The folder `name` of jars of these artifacts, `group:artifact:version`, ` alone` where without dependencies. */
export async function fetchJars(name: string, artifacts: readonly string[]): Promise<string> {
  const folder = await cached(name, async (partial) => {
    await mkdir(join(partial, 'lib'))
    await writeFile(join(partial, 'pom.xml'), pom(artifacts))
    // One Maven at a time: its local repository is not safe against two.
    await withLock('maven', () => copyDependencies(name, partial))
  })
  return join(folder, 'lib')
}

async function copyDependencies(name: string, folder: string): Promise<void> {
  const args = ['-B', '-q', '-f', join(folder, 'pom.xml'), 'dependency:copy-dependencies', '-DincludeScope=runtime']
  args.push(`-DoutputDirectory=${join(folder, 'lib')}`)
  let errors = ''
  for (const attempt of [1, 2]) {
    // Maven remembers what it could not fetch, and a second try without -U would fail on the memory.
    const again = attempt === 1 ? [] : ['-U']
    const { code, stdout, stderr } = await run('mvn', [...args, ...again], { timeoutMs: 900_000 })
    await writeFile(join(folder, `maven-${attempt}.log`), `${stdout}\n${stderr}`)
    if (code === 0) return
    errors = errorLines(`${stdout}\n${stderr}`)
  }
  throw new Error(`Fetch jars of "${name}": Maven failed twice\n${errors}`)
}

function errorLines(output: string): string {
  const lines = output.split('\n').filter((line) => /ERROR\S* \S/.test(line))
  return lines
    .slice(0, 3)
    .map((line) => line.slice(0, 600))
    .join('\n')
}

function pom(artifacts: readonly string[]): string {
  return `<project><modelVersion>4.0.0</modelVersion>
<groupId>rig</groupId><artifactId>rig</artifactId><version>1</version>
<dependencies>
${artifacts.map(dependency).join('\n')}
</dependencies></project>
`
}

function dependency(artifact: string): string {
  const [coordinates = '', alone] = artifact.split(' ')
  const [groupId, artifactId, version] = coordinates.split(':')
  const excluded = alone === undefined ? neverFetched : ['*']
  const exclusions = excluded
    .map((group) => `<exclusion><groupId>${group}</groupId><artifactId>*</artifactId></exclusion>`)
    .join('')
  return `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version><exclusions>${exclusions}</exclusions></dependency>`
}
