import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { type LineFile, openLineFile } from './line-file.ts'

/** One attempt to change something, whatever came of it. */
export interface AuditEntry {
  /** The `X-Request-Id` of the answer; several lines of one request share it. */
  readonly request_id: string
  readonly caller: string
  readonly remote_address: string
  readonly verb: string
  readonly namespace?: string
  readonly id?: string
  readonly incarnation?: string
  /** Of a batch: how many there were, how many were accepted, and which of them were changed. */
  readonly count?: number
  readonly accepted?: number
  readonly ids?: readonly string[]
  /** HTTP status of the answer. */
  readonly status: number
  readonly outcome?: string
  /** Why it was refused. */
  readonly reason?: string
}

/** Writes down who changed what. */
export interface Audit extends Service {
  record(entry: AuditEntry): void
}

export interface AuditDeps {
  readonly clock: Clock
  readonly logger: Logger
}

const windowMs = 1_000
const mostKinds = 1_000

/**
 * One JSON line for each change, accepted or refused: in a file of its own, or in the log with `audit: true`. Of refusals
 * of one kind (caller, address, verb, status) the first is written at once and the others of that second are counted: a
 * line with `repeated` follows, so that a flood costs one line a second and no refusal is unaccounted for.
 *
 * @throws ConfigError when the file cannot be written
 */
export function createAudit(path: string | undefined, { clock, logger }: AuditDeps): Audit {
  const file: LineFile | undefined = path === undefined ? undefined : openLineFile(path, logger)
  const floods = new Map<string, { readonly since: number; repeated: number; last: AuditEntry }>()

  function write(entry: AuditEntry, repeated = 0): void {
    const fields = repeated === 0 ? entry : { ...entry, repeated }
    if (file !== undefined) file.add(`${JSON.stringify({ time: new Date(clock.wall()).toISOString(), ...fields })}\n`)
    else logger.info({ audit: true, ...fields }, entry.status < 400 ? 'Changed' : 'Change refused')
  }

  /** Writes what was counted in windows that are over. */
  function flush(isOver: (since: number) => boolean): void {
    for (const [key, { since, repeated, last }] of floods) {
      if (!isOver(since)) continue
      floods.delete(key)
      if (repeated > 0) write(last, repeated)
    }
  }

  function refused(entry: AuditEntry): void {
    flush((since) => clock.monotonic() - since >= windowMs)
    // Strangers choose their address: of many at once the address no longer tells kinds apart.
    const who = floods.size < mostKinds ? entry.remote_address : 'many'
    const key = `${who} ${entry.verb} ${entry.status} ${entry.caller}`
    const flood = floods.get(key)
    if (flood === undefined) {
      floods.set(key, { since: clock.monotonic(), repeated: 0, last: entry })
      write(entry)
    } else {
      flood.repeated++
      flood.last = entry
    }
  }

  return {
    name: 'audit',
    // Of a batch that was refused in part something was changed: that is never counted away.
    record: (entry) => (entry.status < 400 || (entry.accepted ?? 0) > 0 ? write(entry) : refused(entry)),
    run: async (signal) => {
      await poll({ intervalMs: windowMs, clock }, signal, async () => {
        flush((since) => clock.monotonic() - since >= windowMs)
      })
      flush(() => true)
      await file?.flush()
    },
  }
}
