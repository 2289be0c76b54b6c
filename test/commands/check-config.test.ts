import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkConfigCommand } from '../../src/commands/check-config.ts'
import { captureIo } from '../fakes/io.ts'

const directory = mkdtempSync(join(tmpdir(), 'lagkeeper-check-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function put(content: string): string {
  const path = join(directory, 'config.yaml')
  writeFileSync(path, content)
  return path
}

async function run(argv: readonly string[], isTTY: boolean) {
  const { io, out, err } = captureIo({ isTTY })
  const code = await checkConfigCommand(argv, io)
  return { code, out: out(), err: err() }
}

const good = 'kafka: [ { name: a, bootstrap: "b:1" }, { name: b, bootstrap: "b:1" } ]\nzookeeper: { connect: zk }\n'

describe('lagkeeper check config', () => {
  it('says in words on a terminal that a file is right', async () => {
    const file = put(good)

    expect(await run([file], true)).toEqual({
      code: 0,
      out: `${file}: ok (2 Kafka clusters, 1 ZooKeeper ensemble, 0 objectives)\n`,
      err: '',
    })
  })

  it('says that a file makes a demo', async () => {
    expect((await run([put('demo: true')], true)).out).toMatch(
      /\(0 Kafka clusters, 0 ZooKeeper ensembles, 0 objectives, demo\)/,
    )
  })

  it.each([
    ['in a pipe', [], false],
    ['with --json', ['--json'], true],
  ])('prints JSON %s', async (_, flags, isTTY) => {
    const file = put(good)
    const { code, out } = await run([...flags, file], isTTY)

    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      file,
      ok: true,
      demo: false,
      kafka_clusters: 2,
      zookeeper_ensembles: 1,
      objectives: 0,
    })
  })

  it('prints every problem, a line each, and ends with 2', async () => {
    const file = put('intervall: 1s\nlog: { level: x }\n')
    const { code, out, err } = await run([file], true)

    expect([code, out]).toEqual([2, ''])
    expect(err).toBe(
      `${file}: intervall (1:1): unknown option, did you mean "interval"?\n${file}: log.level (2:15): "x", expected one of debug, info, warn, error\n`,
    )
  })

  it('prints every problem as JSON in a pipe', async () => {
    const file = put('intervall: 1s\n')
    const { code, out, err } = await run([file], false)

    expect([code, err]).toEqual([2, ''])
    expect(JSON.parse(out)).toEqual({
      file,
      ok: false,
      problems: [`${file}: intervall (1:1): unknown option, did you mean "interval"?`],
    })
  })

  it('ends with 2 when the file is missing', async () => {
    expect(await run(['/nowhere'], true)).toEqual({ code: 2, out: '', err: '/nowhere: no such file\n' })
  })

  it.each([[[]], [['a', 'b']], [['--nope']], [['']]])('explains its usage for %j', async (argv) => {
    const { code, out, err } = await run(argv, true)

    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^Usage: lagkeeper check config \[--json\] FILE\n/)
  })

  it('explains its usage on standard output when asked', async () => {
    const { code, out } = await run(['--help'], false)

    expect(code).toBe(0)
    expect(out).toMatch(/^Usage: /)
  })
})
