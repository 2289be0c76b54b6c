import { mkdir, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join, relative } from 'node:path'
import { ConfigError, describeError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'

/**
 * Makes sure that no other process keeps a registry in this folder: each would overwrite what the other acknowledged.
 * The claim is a socket that somebody listens on, so it ends with its process however that ends. Where no socket can be
 * made (the disk is full, the path is longer than a socket's may be) there is none. Resolves with what gives it up.
 *
 * @throws ConfigError when another process has the folder
 */
export async function claimFolder(folder: string, logger: Logger): Promise<() => Promise<void>> {
  try {
    const path = socketPath(folder)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const first = await listen(path)
    if (first !== undefined) return first
    if (!(await isListening(path))) {
      // Of a process that was killed.
      await rm(path, { force: true })
      const second = await listen(path)
      if (second !== undefined) return second
    }
  } catch (error) {
    logger.warn({ error: describeError(error) }, 'Storage could not be claimed: another Lagkeeper must not use it')
    return () => Promise.resolve()
  }
  throw new ConfigError([`storage.path: "${folder}" is in use by another Lagkeeper, expected a directory of its own`])
}

/** undefined when the socket is there already. */
function listen(path: string): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(path, () => resolve(() => new Promise((closed) => server.close(() => closed()))))
  })
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Node cuts off a path that is longer than a socket's may be, and listens somewhere else. */
const mostPathBytes = 100

function socketPath(folder: string): string {
  const path = join(folder, 'registry.socket')
  const found = [path, relative(process.cwd(), path)].find((one) => Buffer.byteLength(one) <= mostPathBytes)
  if (found !== undefined) return found
  throw new UnavailableError(`Listen on "${path}": expected a path of at most ${mostPathBytes} bytes`)
}
