import type { Clock } from '../runtime/clock.ts'
import { UnavailableError } from '../runtime/errors.ts'
import type { CallOptions, Request } from './calls.ts'
import { ZookeeperError } from './errors.ts'
import type { Feature } from './features.ts'
import { multiReadRequest } from './multi.ts'
import { opcodes } from './opcodes.ts'
import { watchRequest } from './operations.ts'
import type { Session } from './session.ts'

/** Harmless requests that came in the same release as the feature. */
const probes: Readonly<Record<Feature, Pick<Request<void>, 'opcode' | 'write'>>> = {
  create2: checkWatches(),
  createContainer: checkWatches(),
  multiRead: multiRead(),
  addWatch: multiRead(),
}

/**
 * Asks the server once whether it knows a feature. A server that does not answers UNIMPLEMENTED and closes the
 * connection (the session lives), so the question goes out alone; some close without a word.
 */
export function createProbe(
  session: Session,
  clock: Clock,
): (feature: Feature, options: CallOptions) => Promise<boolean> {
  /** By what is asked: features of one release have the same question, and each costs an old server's connection. */
  const running = new Map<number, Promise<boolean>>()

  async function ask(feature: Feature): Promise<boolean> {
    const request = {
      ...probes[feature],
      what: `Ask for ${feature}`,
      read: () => undefined,
      isExclusive: true,
    }
    for (let attempt = 1; attempt <= 2; attempt++) {
      try {
        await session.call(request, {})
        session.learn(feature, true)
        return true
      } catch (error) {
        if (isSilentClose(error) && !session.isStopping()) {
          // Another server may be at hand now, and known.
          const known = session.known(feature)
          if (known !== undefined) return known
          continue
        }
        if (!(error instanceof ZookeeperError) || error.code === 'SESSION_EXPIRED') throw error
        const isKnown = error.code !== 'UNIMPLEMENTED'
        session.learn(feature, isKnown)
        return isKnown
      }
    }
    session.learn(feature, false)
    return false
  }

  return async (feature, options) => {
    const known = session.known(feature)
    if (known !== undefined) return known
    // Before the question: nobody would hear how it fails.
    options.signal?.throwIfAborted()
    const { opcode } = probes[feature]
    let question = running.get(opcode)
    if (question === undefined) {
      question = ask(feature).finally(() => running.delete(opcode))
      running.set(opcode, question)
    }
    return waitFor(question, feature, options, clock)
  }
}

/** The connection was closed before an answer, and not because it took too long. */
function isSilentClose(error: unknown): boolean {
  if (!(error instanceof UnavailableError) || error.timedOut) return false
  return !(error.cause instanceof UnavailableError && error.cause.timedOut)
}

/** Others may wait for the same answer: each waits only as long as it wants to. */
async function waitFor<T>(work: Promise<T>, feature: Feature, options: CallOptions, clock: Clock): Promise<T> {
  const { signal, timeoutMs } = options
  const over = new AbortController()
  const limits: Promise<T>[] = []
  if (timeoutMs !== undefined)
    limits.push(
      clock.sleep(timeoutMs, over.signal).then(() => {
        throw new UnavailableError(`Ask for ${feature}: no answer in ${Math.round(timeoutMs)} ms`, { timedOut: true })
      }),
    )
  let onAbort: () => void = () => undefined
  if (signal !== undefined)
    limits.push(
      new Promise((_, reject) => {
        onAbort = () => reject(signal.reason)
        signal.addEventListener('abort', onAbort, { once: true })
      }),
    )
  for (const limit of limits) limit.catch(() => undefined)
  try {
    return await Promise.race([work, ...limits])
  } finally {
    over.abort()
    signal?.removeEventListener('abort', onAbort)
  }
}

function checkWatches(): Pick<Request<void>, 'opcode' | 'write'> {
  const anyType = 3
  return { opcode: opcodes.checkWatches, write: (writer) => watchRequest.write(writer, { path: '/', mode: anyType }) }
}

function multiRead(): Pick<Request<void>, 'opcode' | 'write'> {
  return {
    opcode: opcodes.multiRead,
    write: (writer) => multiReadRequest.write(writer, [{ type: 'getData', path: '/' }]),
  }
}
