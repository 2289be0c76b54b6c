import { constants, type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from '../rigs/run.ts'
import { temporaryFolder } from './temporary-folder.ts'
import type { WorldOptions } from './world.ts'

const pipe = join(temporaryFolder('log'), 'pipe')
let reader: FileHandle | undefined

/** A daemon whose log goes into a pipe that nobody reads. */
export const blockedLog = {
  world: async (): Promise<WorldOptions> => {
    await runOrThrow('mkfifo', [pipe])
    reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
    return { prefix: ['sh', '-c', 'exec "$@" 2>"$0"', pipe], close: async () => reader?.close() }
  },
  /** True when nothing more can be written to it. */
  isFull: async (): Promise<boolean> => {
    const writer = await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK)
    try {
      return await writer.write(Buffer.alloc(4_096)).then(
        () => false,
        () => true,
      )
    } finally {
      await writer.close()
    }
  },
  drain: async (): Promise<void> => {
    const bytes = Buffer.alloc(65_536)
    for (;;) {
      const read = await reader?.read(bytes, 0, bytes.length, null).catch(() => undefined)
      if (read === undefined || read.bytesRead === 0) return
    }
  },
} as const
