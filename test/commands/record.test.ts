import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordCommand } from '../../src/commands/record.ts'
import { replayCommand } from '../../src/commands/replay.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'
import { captureIo } from '../fakes/io.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-record-'))
const file = join(folder, 'recording')
afterAll(() => rmSync(folder, { recursive: true }))

let broker: Simulated
beforeEach(async () => {
  broker = await simulate({ version: '3.9', brokers: 2 })
  broker.state.createTopic('orders', 2)
  broker.state.setLog('orders', 0, 0n, 10n)
  broker.state.commit('billing', 'orders', 0, 4n)
})
afterEach(async () => {
  await broker[Symbol.asyncDispose]()
  rmSync(file, { force: true })
})

async function run(signal: AbortSignal | undefined, ...argv: readonly string[]) {
  const { io, out, err } = captureIo(signal === undefined ? {} : { signal })
  const code = await recordCommand(argv, io)
  return { code, out: out(), err: err() }
}

const where = (): string => `--kafka.bootstrap=${broker.bootstrap.join(',')}`

async function replayed() {
  const { io, out } = captureIo()
  const code = await replayCommand([file, '--json'], io)
  return { code, report: JSON.parse(out()) as unknown }
}

describe('lagkeeper record', () => {
  it('keeps cycles for as long as it is told, for replay to read', async () => {
    const { code, err } = await run(undefined, where(), `--output=${file}`, '--interval=1s', '--for=3s')

    expect(err).toMatch(new RegExp(`^${file}: 3 cycles in [23]s, \\d+ bytes\n$`))
    expect(code).toBe(0)
    expect(await replayed()).toMatchObject({
      code: 0,
      report: {
        recording: { kafka_cluster: 'default', interval_seconds: 1, cycles: 3 },
        consumers: [{ consumer: 'billing', topic: 'orders' }],
      },
    })
  })

  it('closes the file when it is interrupted', async () => {
    const stop = new AbortController()
    const running = run(stop.signal, where(), `--output=${file}`, '--interval=1s')
    setTimeout(() => stop.abort(), 1_500)

    expect(await running).toMatchObject({ code: 0 })
    expect((await replayed()).report).not.toHaveProperty('recording.broken')
  })

  it('goes on while nothing can be read, and keeps why', async () => {
    broker.faults.errorFor('OffsetFetch', ...Array.from({ length: 8 }, () => 'GROUP_AUTHORIZATION_FAILED' as const))

    expect(await run(undefined, where(), `--output=${file}`, '--interval=1s', '--for=2s')).toMatchObject({ code: 0 })
    expect((await replayed()).report).toMatchObject({ recording: { cycles: 2 }, consumers: [] })
  })

  it('keeps only what it is asked for', async () => {
    broker.state.commit('mail', 'orders', 1, 0n)

    await run(undefined, where(), `--output=${file}`, '--interval=1s', '--for=1s', '--consumer=mail')

    expect((await replayed()).report).toMatchObject({ consumers: [{ consumer: 'mail' }] })
  })

  it('leaves no file behind when nobody answers', async () => {
    const { code, err } = await run(undefined, '--kafka.bootstrap=127.0.0.1:1', `--output=${file}`)

    expect(err).toContain('ECONNREFUSED')
    expect(code).toBe(3)
    expect(existsSync(file)).toBe(false)
  })

  it('does not write over a file', async () => {
    writeFileSync(file, 'precious')

    const { code, err } = await run(undefined, where(), `--output=${file}`)

    expect(err).toContain(`--output: "${file}": exists, expected a new file`)
    expect(code).toBe(2)
  })

  it.each([
    ['--output: missing, expected FILE', []],
    ['--interval: "soon", expected a duration from 1s to 1h such as "15s" or "8h"', ['--output=x', '--interval=soon']],
    ['--for: "0s", expected a duration from 1s to 31d', ['--output=x', '--for=0s']],
    ['--max-size: "0", expected 1 to 1048576 MiB', ['--output=x', '--max-size=0']],
    ["Unknown option '--out'", ['--out=x']],
  ])('ends with 2: %s', async (message, argv) => {
    const { code, err } = await run(undefined, where(), ...argv)

    expect(err).toContain(message)
    expect(code).toBe(2)
  })
})
