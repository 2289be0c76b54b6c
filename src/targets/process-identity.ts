import { ownText } from '../model/own-text.ts'

/**
 * What a look at a target's metrics page came to, beside what was learnt of its process before.
 *
 * `same`: the process that was registered; `other`: another one has its port; `gone`: nothing is there (refused, reset,
 * no such page); `unverified`: something answers, but who it is cannot be told; `unknown`: no answer, or an error, that
 * says nothing about the process.
 */
export type Verdict = 'same' | 'other' | 'gone' | 'unverified' | 'unknown'

export interface ProbeResult {
  readonly verdict: Verdict
  /** What the page says of its process, as `isSameProcess` compares it. */
  readonly identity?: string
  /** As a sentence. */
  readonly why: string
}

/** The verdict on a page that was read. */
export function judgePage(found: string | undefined, known: string | undefined): ProbeResult {
  if (found === undefined) return { verdict: 'unverified', why: 'its page does not say which process it is' }
  const identity = { identity: found }
  if (known === undefined)
    return { ...identity, verdict: 'unverified', why: 'which process it was had not been learnt before' }
  const isSame = isSameProcess(found, known)
  if (isSame === undefined)
    return {
      ...identity,
      verdict: 'unverified',
      why: `its page says "${found}", which cannot be compared to "${known}"`,
    }
  return isSame
    ? { ...identity, verdict: 'same', why: `its page still says "${known}"` }
    : { ...identity, verdict: 'other', why: `its page says "${found}", expected "${known}"` }
}

/** Undefined when they are of two kinds. Start times are the same within a second: some pages compute them again. */
export function isSameProcess(one: string, other: string): boolean | undefined {
  if (one.startsWith(flinkPrefix) !== other.startsWith(flinkPrefix)) return undefined
  if (one === other) return true
  if (one.startsWith(flinkPrefix)) return false
  return Math.abs(Number(one.slice(startPrefix.length)) - Number(other.slice(startPrefix.length))) < 1
}

/** Finds out, chunk by chunk, which process wrote a page in the Prometheus text format. */
export interface IdentityReader {
  /** True when nothing that follows can change the answer. */
  push(chunk: Uint8Array): boolean
  /**
   * The identity: `tm_id=…` of a Flink TaskManager, else `start=…` in seconds; undefined when there is none. `isWhole`:
   * what came is all there is, so that a last line without an end counts.
   */
  end(isWhole: boolean): string | undefined
}

const flinkPrefix = 'tm_id='
const startPrefix = 'start='
/** Longer lines hold no identity; what is beyond is skipped. */
const longestLine = 16 * 1024

const taskManager = /[{,]\s*tm_id="((?:[^"\\]|\\.){1,256})"/
const startTime = /^process_start_time_seconds(?:\{[^}]*\})?[ \t]+([0-9.eE+-]{1,32})(?:[ \t]|$)/

export function createIdentityReader(): IdentityReader {
  // A byte a character: a chunk may end within one, and only equality counts.
  const decoder = new TextDecoder('latin1')
  let rest = ''
  let isSkipping = false
  let started: string | undefined
  let flink: string | undefined

  function readLine(line: string): void {
    if (line.startsWith('#')) return
    flink ??= taskManager.exec(line)?.[1]
    const seconds = started === undefined ? startTime.exec(line)?.[1] : undefined
    if (seconds !== undefined && Number.isFinite(Number(seconds))) started = String(Number(seconds))
  }

  return {
    push: (chunk) => {
      const lines = `${rest}${decoder.decode(chunk)}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (flink !== undefined) break
        if (!isSkipping && line.length <= longestLine) readLine(line)
        isSkipping = false
      }
      if (rest.length > longestLine) {
        rest = ''
        isSkipping = true
      }
      return flink !== undefined
    },
    end: (isWhole) => {
      if (isWhole && flink === undefined && !isSkipping) readLine(rest)
      rest = ''
      if (flink !== undefined) return ownText(`${flinkPrefix}${flink}`)
      return started === undefined ? undefined : `${startPrefix}${started}`
    },
  }
}
