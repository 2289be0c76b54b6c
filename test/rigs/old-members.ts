import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cached } from './cache.ts'
import { kafkaJars } from './jars.ts'
import { jvmFlags } from './jvm.ts'
import { startProcess } from './process.ts'
import { runOrThrow } from './run.ts'

export interface OldMembersOptions {
  /** 0.9.0.1 or 0.10.0.1: before, groups had no members in Kafka; later, the rig client has them. */
  readonly version: string
  readonly bootstrap: string
  readonly topics: readonly string[]
  /** Each gets one member, on all topics. */
  readonly groups: readonly string[]
}

/** Members that read and never commit, on the clients of the broker's own version. */
export interface OldMembers extends AsyncDisposable {
  /** All leave their groups. */
  stop(): Promise<void>
}

const LEAVE_WITHIN_MS = 30_000

/** Settles when every member has its assignment. */
export async function startOldMembers({ version, bootstrap, topics, groups }: OldMembersOptions): Promise<OldMembers> {
  const jars = join(await kafkaJars(version), '*')
  const classes = await compiled(version, jars)
  const dir = await mkdtemp(join(tmpdir(), 'lagkeeper-old-members-'))
  let isReady = false
  const java = await startProcess({
    name: 'old members',
    command: 'java',
    args: [...jvmFlags('192m'), '-cp', `${classes}:${jars}`, 'OldMembers', bootstrap, topics.join(','), ...groups],
    logFile: join(dir, 'members.log'),
    ready: [async () => isReady],
    onLine: (line) => {
      isReady ||= line === 'READY'
    },
  })
  const stop = async () => {
    if (java.pid !== undefined) java.send('leave')
    await Promise.race([java.exited(), sleep(LEAVE_WITHIN_MS, undefined, { ref: false })])
    await java.kill()
    await rm(dir, { recursive: true, force: true })
  }
  return { stop, [Symbol.asyncDispose]: stop }
}

async function compiled(version: string, jars: string): Promise<string> {
  const source = fileURLToPath(new URL('java/OldMembers.java', import.meta.url))
  const hash = createHash('sha256')
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 12)
  return cached(`old-members-${version}-${hash}`, async (folder) => {
    await runOrThrow('javac', ['-nowarn', '-proc:none', '-d', folder, '-cp', jars, source])
  })
}
