import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { breather } from './breathe.ts'

/** A file that only grows, and whose bytes are on the disk before anybody is told so. */
export interface DurableFile {
  /**
   * Resolves when all lines are on the disk; others run in between. After a rejection nothing more may be appended: what
   * is on the disk then is unknown.
   */
  append(lines: Iterable<string>): Promise<void>
  /** Bytes appended so far. */
  size(): number
  close(): Promise<void>
}

/** Makes an empty file that only this user can read. */
export type CreateDurableFile = (path: string) => Promise<DurableFile>

const chunkLength = 1024 * 1024

export const createDurableFile: CreateDurableFile = async (path) => {
  const handle = await open(path, 'w', 0o600)
  try {
    // A file that was there before keeps its mode.
    await handle.chmod(0o600)
  } catch (error) {
    await handle.close()
    throw error
  }
  let size = 0
  return {
    append: async (lines) => {
      let end = size
      try {
        for await (const chunk of inChunks(lines)) {
          await writeAt(handle, chunk, end)
          end += chunk.length
        }
        await handle.datasync()
      } catch (error) {
        // Half a record would only be skipped at the next start; without it the file is easier to read for people.
        await handle.truncate(size).catch(() => undefined)
        throw error
      }
      size = end
    },
    size: () => size,
    close: () => handle.close(),
  }
}

async function* inChunks(lines: Iterable<string>): AsyncGenerator<Buffer> {
  const breathe = breather()
  let chunk = ''
  for (const line of lines) {
    chunk += line
    if (chunk.length >= chunkLength) {
      yield Buffer.from(chunk)
      chunk = ''
    }
    await breathe()
  }
  if (chunk !== '') yield Buffer.from(chunk)
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/** Gives a complete file its final name, and makes the name durable too. */
export async function moveIntoPlace(from: string, to: string): Promise<void> {
  await rename(from, to)
  const folder = await open(dirname(to), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Puts a text into a file of this user alone; with a crash at any moment the file is as it was, or whole. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await replaceFileBy(path, [text])
}

/** The same, piece by piece; others run in between. */
export async function replaceFileBy(path: string, pieces: Iterable<string>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await createDurableFile(`${path}.tmp`)
  try {
    await file.append(pieces)
  } finally {
    await file.close()
  }
  await moveIntoPlace(`${path}.tmp`, path)
}
