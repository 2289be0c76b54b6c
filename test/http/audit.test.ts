import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type AuditEntry, createAudit } from '../../src/http/audit.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { fakeClock } from '../fakes/clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-audit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const entry = (more: Partial<AuditEntry> = {}): AuditEntry => ({
  request_id: 'r',
  caller: 'team',
  remote_address: '10.0.0.9',
  verb: 'register',
  status: 200,
  ...more,
})

/** An audit that writes into the log, with what it wrote. */
function logged() {
  const lines: Readonly<Record<string, unknown>>[] = []
  const clock = fakeClock()
  const logger = { ...silentLogger, info: (fields: Readonly<Record<string, unknown>>) => lines.push(fields) }
  return { lines, clock, audit: createAudit(undefined, { clock, logger }) }
}

describe('in the log', () => {
  it('is a line for each change, each with the same mark', () => {
    const { lines, audit } = logged()

    audit.record(entry({ id: 'a/b/c/d', outcome: 'created' }))
    audit.record(entry())

    expect(lines).toEqual([
      { audit: true, ...entry({ id: 'a/b/c/d', outcome: 'created' }) },
      { audit: true, ...entry() },
    ])
  })

  it('counts a flood of refusals, each kind on its own, and loses none', async () => {
    const { lines, clock, audit } = logged()
    const stop = new AbortController()
    const done = audit.run(stop.signal)

    for (let index = 0; index < 100; index++) audit.record(entry({ status: 403, request_id: `r${index}` }))
    audit.record(entry({ status: 429 }))
    audit.record(entry({ status: 403, remote_address: '10.0.0.8' }))
    expect(lines.map(({ status }) => status)).toEqual([403, 429, 403])
    await clock.advance(2000)

    expect(lines[3]).toMatchObject({ status: 403, repeated: 99, request_id: 'r99' })
    audit.record(entry({ status: 403 }))
    audit.record(entry({ status: 403 }))
    stop.abort()
    await done
    expect(lines.slice(4).map(({ repeated }) => repeated)).toEqual([undefined, 1])
  })

  it('never counts away a batch of which something was accepted', () => {
    const { lines, audit } = logged()

    for (let index = 0; index < 3; index++) audit.record(entry({ status: 422, count: 2, accepted: 1 }))

    expect(lines).toHaveLength(3)
  })

  it('stays small when strangers call from everywhere', () => {
    const { lines, audit } = logged()

    for (let index = 0; index < 5000; index++) audit.record(entry({ status: 401, remote_address: `10.0.${index}` }))

    expect(lines.length).toBeLessThan(1100)
  })
})

describe('in a file', () => {
  it('is JSON in lines with the time, for the owner alone, and goes on when the file is moved away', async () => {
    const path = join(folder, 'audit.log')
    const clock = fakeClock(Date.UTC(2026, 0, 1))
    const audit = createAudit(path, { clock, logger: silentLogger })
    const stop = new AbortController()
    stop.abort()

    audit.record(entry({ id: 'forged"\n{"time":"x"}' }))
    audit.record(entry())
    await audit.run(stop.signal)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    renameSync(path, `${path}.1`)
    audit.record(entry({ id: 'later' }))
    await audit.run(stop.signal)

    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { time: '2026-01-01T00:00:00.000Z', ...entry({ id: 'forged"\n{"time":"x"}' }) },
      { time: '2026-01-01T00:00:00.000Z', ...entry() },
    ])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ id: 'later' })
  })

  it('refuses one that cannot be written, by name', () => {
    expect(() => createAudit(join(folder, 'no/such/folder'), { clock: fakeClock(), logger: silentLogger })).toThrow(
      /^Open audit file ".*no\/such\/folder": .*ENOENT.*, expected a file that we can write$/,
    )
  })
})
