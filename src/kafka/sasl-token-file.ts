import { open } from 'node:fs/promises'
import type { Clock } from '../runtime/clock.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { createTokenSource, type TokenSource } from './sasl-token.ts'

/** Larger than any broker takes (a SASL token may have 512 KiB, tokens of real issuers have up to 10 KiB). */
const MAX_BYTES = 64 * 1024

/** The text of a file, read anew for every connection: whoever writes it keeps it fresh, as Kubernetes does. */
export function tokenFromFile(path: string, clock: Clock): TokenSource {
  const what = `token file ${JSON.stringify(path)}`
  const source = createTokenSource(what, async () => ({ text: await readToken(what, path) }), clock)
  return {
    token: (signal) => {
      source.forget()
      return source.token(signal)
    },
    forget: source.forget,
  }
}

async function readToken(what: string, path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0)
      if (bytesRead > MAX_BYTES) throw new Error(`longer than ${MAX_BYTES} bytes`)
      return buffer.toString('utf8', 0, bytesRead).trim()
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new UnavailableError(`Read ${what}: ${describeError(error)}, expected a token`, { cause: error })
  }
}
