import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'

/** The text of a file, or what is wrong with it in words that end a sentence about it. */
export type FileText = { readonly text: string } | { readonly problem: string }

const MAX_BYTES = 1 << 20

/** Reads a text file of at most 1 MiB. `isPrivate` refuses a file that others may read. */
export function readTextFile(path: string, isPrivate = false): FileText {
  let handle: number | undefined
  try {
    // Opening a pipe would wait for its writer.
    if (!statSync(path).isFile())
      return { problem: statSync(path).isDirectory() ? 'a directory, expected a file' : 'not a regular file' }
    handle = openSync(path, 'r')
    const exposed = isPrivate ? exposureToUs(handle) : undefined
    if (exposed !== undefined) return { problem: exposed }
    return decode(readUpTo(handle, MAX_BYTES + 1))
  } catch (error) {
    return { problem: wordsFor(error) }
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

function readUpTo(handle: number, limit: number): Buffer {
  const bytes = Buffer.alloc(limit)
  let length = 0
  for (let read = -1; read !== 0 && length < limit; length += read)
    read = readSync(handle, bytes, length, limit - length, null)
  return bytes.subarray(0, length)
}

function decode(bytes: Buffer): FileText {
  if (bytes.length > MAX_BYTES) return { problem: `more than ${MAX_BYTES} bytes` }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.startsWith('\ufeff')
      ? { problem: 'starts with a byte order mark, expected UTF-8 without one' }
      : { text }
  } catch {
    return { problem: 'not UTF-8' }
  }
}

/**
 * Who else may read a private file, as a problem. Readable for everybody is refused, and so is readable for a group,
 * but for one case: a file of root that we read through a group of ours, which is how Kubernetes mounts a Secret for a
 * process that is not root (`defaultMode: 0440` with `fsGroup`), or through an entry for us in its access list, which
 * looks like its group root: systemd's `LoadCredential`.
 */
export function exposure(
  file: { readonly mode: number; readonly uid: number; readonly gid: number },
  reader: { readonly uid: number; readonly groups: readonly number[] },
): string | undefined {
  const mode = (file.mode & 0o777).toString(8).padStart(4, '0')
  if ((file.mode & 0o007) !== 0) return `mode ${mode} lets every user at it, expected 0600 or 0400`
  const isMounted = file.uid === 0 && reader.uid !== 0 && (file.gid === 0 || reader.groups.includes(file.gid))
  if ((file.mode & 0o070) === 0 || (isMounted && (file.mode & 0o030) === 0)) return undefined
  return `mode ${mode} lets its group at it, expected 0600 or 0400`
}

/** Windows has neither such modes nor users with numbers. */
function exposureToUs(handle: number): string | undefined {
  const uid = process.geteuid?.()
  return uid === undefined ? undefined : exposure(fstatSync(handle), { uid, groups: process.getgroups?.() ?? [] })
}

function wordsFor(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return words[code] ?? code
}

const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'a directory, expected a file',
  ELOOP: 'a link that leads in a circle',
  ENAMETOOLONG: 'the name is too long',
}
