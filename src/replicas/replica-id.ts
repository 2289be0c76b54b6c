import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../runtime/durable-file.ts'
import { describeError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'

const form = /^[\da-f]{16}$/

/**
 * The id of the replica whose storage this is, made at the first start; without storage, or where it cannot be kept, one
 * for this process only. It is a name, no secret: a copy of the folder must not carry it along.
 */
export async function readReplicaId(folder: string | undefined, logger: Logger): Promise<string> {
  const made = randomBytes(8).toString('hex')
  if (folder === undefined) return made
  const path = join(folder, 'replica.id')
  try {
    const kept = (await readFile(path, 'utf8')).trim()
    if (form.test(kept)) return kept
    logger.warn({ path }, 'File with the id of the replica is spoilt: it gets a new one')
  } catch (error) {
    if (!isMissing(error)) return withoutFile(path, made, error, logger)
  }
  try {
    await replaceFile(path, `${made}\n`)
    return made
  } catch (error) {
    return withoutFile(path, made, error, logger)
  }
}

function withoutFile(path: string, made: string, error: unknown, logger: Logger): string {
  logger.warn({ path, error: describeError(error) }, 'Id of the replica cannot be kept: the next start has another one')
  return made
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
