import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SessionCredentials } from '../zookeeper/state.ts'
import { createDurableFile, moveIntoPlace } from './durable-file.ts'

/**
 * The session of an earlier process, so that a restart finds its ephemerals alive; undefined when there is none for this
 * ensemble, or the file says nothing. Whoever can read the file can take the session over: it is made with mode 0600.
 */
export async function readSessionFile(folder: string, connect: string): Promise<SessionCredentials | undefined> {
  try {
    const saved: unknown = JSON.parse(await readFile(pathIn(folder), 'utf8'))
    if (typeof saved !== 'object' || saved === null) return undefined
    const { connect: of, id, password, timeoutMs }: Readonly<Record<string, unknown>> = { ...saved }
    if (of !== connect || typeof id !== 'string' || !/^-?\d{1,20}$/.test(id)) return undefined
    if (typeof password !== 'string' || typeof timeoutMs !== 'number' || !(timeoutMs > 0)) return undefined
    return { id: BigInt(id), password: Buffer.from(password, 'base64'), timeoutMs }
  } catch {
    // Missing or spoilt: a new session does as well, only slower.
    return undefined
  }
}

export async function writeSessionFile(folder: string, connect: string, session: SessionCredentials): Promise<void> {
  const { id, password, timeoutMs } = session
  const saved = { connect, id: String(id), password: Buffer.from(password).toString('base64'), timeoutMs }
  const path = pathIn(folder)
  const file = await createDurableFile(`${path}.tmp`)
  try {
    await file.append([`${JSON.stringify(saved)}\n`])
  } finally {
    await file.close()
  }
  await moveIntoPlace(`${path}.tmp`, path)
}

function pathIn(folder: string): string {
  return join(folder, 'zookeeper.session')
}
