import { access, mkdir, mkdtemp, rename, rm, stat, utimes } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const staleAfterMs = 30_000
const refreshEveryMs = 5_000
const waitAtMostMs = 1_800_000

/** Where jars, classes and programs are kept between runs: `LAGKEEPER_RIG_CACHE`, else `~/.cache/lagkeeper-rigs`. */
function cacheFolder(): string {
  return process.env['LAGKEEPER_RIG_CACHE'] ?? join(homedir(), '.cache', 'lagkeeper-rigs')
}

/**
 * The folder `name` of the cache, filled once. `fill` writes into a temporary folder that takes its final name only
 * when it is complete, so a folder that exists is whole. Several processes may ask at the same time: the rest wait.
 */
export async function cached(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), name)
  if (await exists(folder)) return folder
  return withLock(name, async () => {
    if (await exists(folder)) return folder
    const partial = await mkdtemp(`${folder}.partial-`)
    try {
      await fill(partial)
      await rename(partial, folder)
    } catch (error) {
      // Lost a race against a holder whose lock was taken for stale: its folder is as good as ours.
      if (!(await exists(folder))) throw error
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
    return folder
  })
}

/**
 * Runs `work` while no other process holds the lock `name`. The lock is a folder that its holder touches every few
 * seconds; one that was not touched for 30 s belonged to a process that died, and is taken away.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = join(cacheFolder(), '.locks')
  await mkdir(locks, { recursive: true })
  const lock = join(locks, name)
  const deadline = Date.now() + waitAtMostMs
  while (!(await take(lock))) {
    if (Date.now() > deadline) throw new Error(`Wait for lock "${lock}": still held after ${waitAtMostMs / 1000} s`)
    if (await isStale(lock)) await rm(lock, { recursive: true, force: true })
    await sleep(200)
  }
  const touch = setInterval(() => void touchFolder(lock), refreshEveryMs)
  touch.unref()
  try {
    return await work()
  } finally {
    clearInterval(touch)
    await rm(lock, { recursive: true, force: true })
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await mkdir(lock)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

async function isStale(lock: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(lock)).mtimeMs > staleAfterMs
  } catch {
    return false
  }
}

async function touchFolder(folder: string): Promise<void> {
  const now = new Date()
  await utimes(folder, now, now).catch(() => undefined)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
