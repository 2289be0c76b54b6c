import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expandGlob } from '../../src/commands/glob.ts'
import { replayCommand } from '../../src/commands/replay.ts'
import { captureIo } from '../fakes/io.ts'
import { recordWorld } from '../replay/recorded-world.ts'
import { stalledEvening } from '../replay/worlds.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-replay-'))
const file = join(folder, 'evening')
const rules = join(folder, 'rules.yaml')
const config = join(folder, 'config.yaml')

beforeAll(async () => {
  await recordWorld(stalledEvening(file))
  writeFileSync(rules, 'groups: [ { name: g, rules: [ { alert: A, expr: "up == 0" } ] } ]')
  writeFileSync(
    config,
    `
kafka: [ { name: sim, bootstrap: "localhost:9092" } ]
objectives:
  - { consumer: billing, seconds: 300, owner: payments, severity: critical }
  - { consumer: billing, records: 1000000, owner: payments }
  - { consumer: mail, records: 1000, owner: post }
`,
  )
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true }))

async function run(...argv: readonly string[]) {
  const { io, out, err } = captureIo({ env: { PATH: folder } })
  const code = await replayCommand(argv, io)
  return { code, out: out(), err: err() }
}

describe('lagkeeper replay', () => {
  it('says from which minute on a consumer was stalled, and why', async () => {
    const { code, out } = await run(file)

    expect(out).toContain('Kafka cluster sim: 130 cycles from 2026-01-15T20:00:00Z to 2026-01-15T20:32:15Z\n')
    // It has not moved since 20:04:45, and ten minutes say that it stands.
    expect(out).toMatch(
      /^2026-01-15T20:(14:45|15:00)Z {2}billing orders: stalled, 2 partitions with 2400 records left, unmoved for 600 s/m,
    )
    expect(out).toMatch(/^2026-01-15T20:22:30Z {2}billing orders: ok$/m)
    expect(out).toMatch(/^billing {3}orders .* 7\.[58] +- +-$/m)
    expect(out).toContain('1 of 2 consumers and topics were ok all the time\n')
    // Nothing was promised.
    expect(code).toBe(0)
  })

  it('counts how often an objective was broken', async () => {
    const { code, out } = await run(file, `--config.file=${config}`)

    expect(out).toContain('billing orders (payments, critical): broken once, 12m30s in all\n')
    expect(out).toContain('billing orders (payments, warning): kept\n')
    expect(out).toContain('mail letters (post, warning): kept\n')
    expect(code).toBe(1)
  })

  it('judges over another window', async () => {
    const { out } = await run(file, '--window=5m')

    expect(out).toMatch(/^2026-01-15T20:(09:45|10:00)Z {2}billing orders: stalled/m)
  })

  it('prints all of it as one document', async () => {
    const { out } = await run(file, '--json', `--config.file=${config}`)
    const report: unknown = JSON.parse(out)

    expect(out.trimEnd()).not.toContain('\n')
    expect(report).toMatchObject({
      recording: { kafka_cluster: 'sim', interval_seconds: 15, cycles: 130, from: '2026-01-15T20:00:00Z' },
      consumers: [
        { consumer: 'billing', topic: 'orders', minutes: { stalled: expect.any(Number) } },
        { consumer: 'mail', topic: 'letters', minutes: { ok: 32.25 } },
      ],
      objectives: [
        { severity: 'warning', broken: [] },
        { owner: 'payments', severity: 'critical', broken: [{ from: '2026-01-15T20:10:00Z', seconds: 750 }] },
        { owner: 'post', broken: [] },
      ],
    })
    expect(report).not.toHaveProperty('alerts')
  })

  it('goes on to where a recording breaks off, and says what is lost', async () => {
    const cut = join(folder, 'cut')
    writeFileSync(cut, readFileSync(file).subarray(0, 4_000))

    const { code, out } = await run(cut)

    expect(out).toMatch(
      /^What came after 2026-01-15T20:\d\d:\d\dZ is lost \(file of 4000 bytes\): unexpected end of file/m,
    )
    expect(code).toBe(0)
  })

  it.each([
    ['no file', [], 'FILE: missing, expected a recording of lagkeeper record'],
    ['two files', ['a', 'b'], '"b": unexpected argument, expected one FILE'],
    ['a wrong window', ['a', '--window=1s'], '--window: "1s", expected a duration from 1m to 1d such as "10m"'],
    ['an option that is none', ['a', '--rule=b'], "Unknown option '--rule'"],
    ['rules that are nowhere', ['a', '--rules=/none/*.yaml'], '--rules: "/none/*.yaml", expected rule files'],
    ['no promtool', ['a', `--rules=${rules}`], 'expected it on the PATH'],
  ])('ends with 2 for %s', async (_, argv, message) => {
    const { code, err } = await run(...argv)

    expect(err).toContain(message)
    expect(code).toBe(2)
  })

  it('ends with 3 when the file is no recording', async () => {
    const { code, err } = await run(rules)

    expect(err).toContain(`Read "${rules}": not a recording of lagkeeper record`)
    expect(code).toBe(3)
  })

  it('tells its usage', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('Usage: lagkeeper replay FILE') })
  })
})

describe('a pattern of paths', () => {
  it('stands for what is there, sorted', () => {
    expect(expandGlob('alerts/*.yaml')).toEqual([
      'alerts/discovery.yaml',
      'alerts/jobs.yaml',
      'alerts/lag.yaml',
      'alerts/self.yaml',
    ])
    expect(expandGlob('alerts/l?g.y*')).toEqual(['alerts/lag.yaml'])
    expect(expandGlob('alerts/**/*.yaml')).toContain('alerts/lag.yaml')
    expect(expandGlob(join(folder, 'r*.yaml'))).toEqual([rules])
    expect(expandGlob('alerts/none*')).toEqual([])
    expect(expandGlob('not there')).toEqual(['not there'])
  })
})
