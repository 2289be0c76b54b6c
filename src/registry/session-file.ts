import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../runtime/durable-file.ts'
import type { SessionCredentials } from '../zookeeper/state.ts'

/** What a process leaves to the next one. */
export interface SavedSessions {
  readonly open: readonly SessionCredentials[]
  /** Given up by us, but a server that nobody could reach may have them still, with what we wrote. */
  readonly earlier: readonly bigint[]
}

export const nothingSaved: SavedSessions = { open: [], earlier: [] }

/**
 * The sessions of an earlier process, so that a restart finds its ephemerals alive; none when there are none for this
 * ensemble, or the file says nothing. Whoever can read the file can take them over: it is made with mode 0600.
 */
export async function readSessionFile(folder: string, connect: string): Promise<SavedSessions> {
  try {
    const saved = fieldsOf(JSON.parse(await readFile(pathIn(folder), 'utf8')))
    if (saved['connect'] !== connect) return nothingSaved
    // A file of before there was more than one session is that session.
    const { sessions = [saved], earlier } = saved
    return {
      open: Array.isArray(sessions) ? sessions.flatMap((one) => readSession(fieldsOf(one)) ?? []) : [],
      earlier: Array.isArray(earlier) ? earlier.flatMap((id: unknown) => readId(id) ?? []) : [],
    }
  } catch {
    // Missing or spoilt: new sessions do as well, only slower.
    return nothingSaved
  }
}

export async function writeSessionFile(
  folder: string,
  connect: string,
  { open, earlier }: SavedSessions,
): Promise<void> {
  const sessions = open.map(({ id, password, timeoutMs }) => ({
    id: String(id),
    password: Buffer.from(password).toString('base64'),
    timeoutMs,
  }))
  await replaceFile(pathIn(folder), `${JSON.stringify({ connect, sessions, earlier: earlier.map(String) })}\n`)
}

function readSession({ id, password, timeoutMs }: Readonly<Record<string, unknown>>): SessionCredentials | undefined {
  const session = readId(id)
  if (session === undefined) return undefined
  if (typeof password !== 'string' || typeof timeoutMs !== 'number' || !(timeoutMs > 0)) return undefined
  return { id: session, password: Buffer.from(password, 'base64'), timeoutMs }
}

function readId(id: unknown): bigint | undefined {
  return typeof id === 'string' && /^-?\d{1,20}$/.test(id) ? BigInt(id) : undefined
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function pathIn(folder: string): string {
  return join(folder, 'zookeeper.session')
}
