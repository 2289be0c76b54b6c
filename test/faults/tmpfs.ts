import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runOrThrow } from '../rigs/run.ts'
import { injected } from './waiting.ts'

/** A small disk of its own. */
export interface SmallDisk {
  readonly folder: string
  /** Fills it to the last byte. @throws Error when something can still be written */
  fill(): Promise<void>
  free(): Promise<void>
  close(): Promise<void>
}

export async function smallDisk(size: string): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-disk-'))
  await runOrThrow('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder])
  const filler = join(folder, 'filler')
  return {
    folder,
    fill: async () => {
      const file = await open(filler, 'a')
      try {
        for (const length of [65_536, 4_096, 1])
          while (
            await file.write(Buffer.alloc(length)).then(
              ({ bytesWritten }) => bytesWritten > 0,
              () => false,
            )
          );
        injected(
          await file.write(Buffer.alloc(1)).then(
            () => false,
            () => true,
          ),
          'the disk is not full',
        )
      } finally {
        await file.close()
      }
    },
    free: () => rm(filler, { force: true }),
    close: async () => {
      await runOrThrow('umount', ['--lazy', folder])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
