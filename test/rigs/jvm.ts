import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Flags for a small JVM that starts quickly, as measured on two cores. */
export function jvmFlags(heap: string): readonly string[] {
  return [
    `-Xmx${heap}`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Djava.awt.headless=true',
    '-Djava.net.preferIPv4Stack=true',
  ]
}

/** Writes log4j 1 and log4j 2 settings into `folder`, both to standard output, and returns the flags that name them. */
export async function writeLogSettings(folder: string, level: 'INFO' | 'ERROR'): Promise<readonly string[]> {
  const one = join(folder, 'log4j.properties')
  const two = join(folder, 'log4j2.properties')
  await writeFile(
    one,
    `log4j.rootLogger=${level}, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
`,
  )
  await writeFile(
    two,
    `rootLogger.level=${level}
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n
`,
  )
  return [
    // Without log4j proper, ZooKeeper's log4j bean fails with NoClassDefFoundError (HierarchyDynamicMBean).
    '-Dzookeeper.jmx.log4j.disable=true',
    `-Dlog4j.configuration=file:${one}`,
    `-Dlog4j2.configurationFile=${two}`,
    `-Dlog4j.configurationFile=${two}`,
  ]
}

/** The text of a Java properties file. Values are written as they are, so they must not hold line ends. */
export function propertiesText(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('')
}
