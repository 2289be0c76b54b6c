import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jvmFlags } from './jvm.ts'
import { runOrThrow } from './run.ts'

/** Who is known to a secure rig, by PLAIN and by SCRAM: `admin` may do everything, the others what ACLs give them. */
export const rigUsers = { admin: 'adminpass', lag: 'lagpass', none: 'nonepass' } as const

const mechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** Writes the server's side of PLAIN and SCRAM and returns the JVM flag that names it. */
export async function writeServerJaas(folder: string): Promise<string> {
  const file = join(folder, 'jaas.conf')
  const users = Object.entries(rigUsers).map(([user, password]) => `user_${user}="${password}"`)
  await writeFile(
    file,
    `KafkaServer {
  org.apache.kafka.common.security.plain.PlainLoginModule required ${users.join(' ')};
  org.apache.kafka.common.security.scram.ScramLoginModule required;
};
`,
  )
  return `-Djava.security.auth.login.config=${file}`
}

/** Arguments of a KRaft format that make the SCRAM users (3.5 and later). */
export function formatScramUsers(): readonly string[] {
  return Object.entries(rigUsers).flatMap(([user, password]) =>
    mechanisms.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${user},password=${password}]`]),
  )
}

/** Makes the SCRAM users in ZooKeeper, with the shipped tool. The brokers need not run. */
export async function addScramUsers(jars: string, zookeeper: string): Promise<void> {
  for (const [user, password] of Object.entries(rigUsers)) {
    const credentials = mechanisms.map((mechanism) => `${mechanism}=[password=${password}]`).join(',')
    await runOrThrow('java', [
      ...[...jvmFlags('128m'), '-Dzookeeper.jmx.log4j.disable=true', '-cp', join(jars, '*')],
      ...['kafka.admin.ConfigCommand', '--zookeeper', zookeeper, '--alter', '--add-config', credentials],
      ...['--entity-type', 'users', '--entity-name', user],
    ])
  }
}
