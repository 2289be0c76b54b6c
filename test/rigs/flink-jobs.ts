import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { flinkHome } from './flink-home.ts'
import { type FlinkVersion, flinkFacts } from './flink-versions.ts'
import { fetchJars } from './jars.ts'
import { runOrThrow } from './run.ts'

const sourceFolder = join(import.meta.dirname, 'flink', 'java')

/** Class path of every process of a Flink: its distribution, and the connector as a company would add it to `lib/`. */
export async function flinkClassPath(version: FlinkVersion): Promise<string> {
  return `${join(await flinkHome(version), 'lib', '*')}:${join(await connectorJars(version), '*')}`
}

/** The folder of the Kafka connector and its client. */
export function connectorJars(version: FlinkVersion): Promise<string> {
  const { connectors, kafkaClient } = flinkFacts(version)
  // Without dependencies: they would bring another logging API and, for some, another Flink.
  const artifacts = [...connectors, `org.apache.kafka:kafka-clients:${kafkaClient}`]
  return fetchJars(
    `flink-connector-${version}`,
    artifacts.map((artifact) => `${artifact} alone`),
  )
}

/** The jar of `flink/java`, compiled against this Flink. */
export async function jobsJar(version: FlinkVersion): Promise<string> {
  const folders = ['common', ...flinkFacts(version).sources]
  const sources: string[] = []
  for (const folder of folders)
    for (const file of (await readdir(join(sourceFolder, folder))).toSorted())
      sources.push(join(sourceFolder, folder, file))
  const hash = createHash('sha256')
  for (const source of sources) hash.update(await readFile(source))
  const classPath = await flinkClassPath(version)
  const name = `flink-jobs-${version}-${hash.digest('hex').slice(0, 12)}`
  const folder = await cached(name, async (partial) => {
    const classes = join(partial, 'classes')
    await mkdir(classes)
    // Java 11, because clusters that run on it are of interest too.
    const flags = ['-nowarn', '-proc:none', '--release', '11', '-cp', classPath, '-d', classes]
    await runOrThrow('javac', [...flags, ...sources])
    await runOrThrow('jar', ['cf', join(partial, 'jobs.jar'), '-C', classes, '.'])
    await rm(classes, { recursive: true })
  })
  return join(folder, 'jobs.jar')
}
