import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from '../rigs/run.ts'
import { temporaryFolder } from './temporary-folder.ts'
import type { World, WorldOptions } from './world.ts'

const file = join(temporaryFolder('hosts'), 'hosts')
const name = 'reporter.faults.internal'

/** A daemon with an `/etc/hosts` of its own, in which one name changes its address. */
export const changingHosts = {
  name,
  write: (ip: string): Promise<void> => writeFile(file, `127.0.0.1 localhost\n${ip} ${name}\n`),
  world: async (): Promise<WorldOptions> => {
    await changingHosts.write('10.20.30.40')
    return {
      prefix: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', bind, file],
    }
  },
  /** What the name means to the daemon at this moment. */
  resolve: async ({ process: { pid } }: World): Promise<string> =>
    (await runOrThrow('nsenter', ['--mount', `--target=${pid}`, 'getent', 'ahostsv4', name])).stdout,
} as const

const bind = 'mount --bind "$0" /etc/hosts && exec "$@"'
