import { readdir } from 'node:fs/promises'
import { runOrThrow } from '../rigs/run.ts'
import type { World } from './world.ts'

/** From now on the daemon can have so many files and sockets open. */
export async function limitFiles({ process: { pid } }: World, most: number): Promise<void> {
  await runOrThrow('prlimit', [`--pid=${pid}`, `--nofile=${most}:4096`])
}

/** How many it has open. */
export async function filesOf({ process: { pid } }: World): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length
}
