import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { effectiveConfig, helpText, parseFlags } from '../../src/app/flags.ts'
import { ConfigError } from '../../src/runtime/errors.ts'

const directory = mkdtempSync(join(tmpdir(), 'lagkeeper-flags-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function put(content: string): string {
  const path = join(directory, 'config.yaml')
  writeFileSync(path, content)
  return path
}

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('parseFlags()', () => {
  it.each([[['--interval', '30s']], [['--interval=30s']]])('reads %j', (argv) => {
    expect(parseFlags(argv).values.get('interval')).toBe('30s')
  })

  it('reads all flags', () => {
    const flags = parseFlags([
      '--config.file',
      'a b',
      '--web.listen-address=:1',
      '--kafka.bootstrap=a:1,b:2',
      '--zookeeper.connect',
      'zk/x=y',
      '--log.level=debug',
      '--log.format=json',
    ])

    expect(Object.fromEntries(flags.values)).toEqual({
      'config.file': 'a b',
      'web.listen-address': ':1',
      'kafka.bootstrap': 'a:1,b:2',
      'zookeeper.connect': 'zk/x=y',
      'log.level': 'debug',
      'log.format': 'json',
    })
    expect([flags.version, flags.help]).toEqual([false, false])
  })

  it.each([
    [['--version'], true, false],
    [['--help'], false, true],
    [['-h'], false, true],
    [[], false, false],
  ])('%j asks for version %s and help %s', (argv, version, help) => {
    expect(parseFlags(argv)).toMatchObject({ version, help })
  })

  it.each([
    [['--kafka.boostrap=a:1'], ['--kafka.boostrap: unknown flag, did you mean --kafka.bootstrap?']],
    [['--listen'], ['--listen: unknown flag, see --help']],
    [['-x'], ['-x: unknown flag, see --help']],
    [['--no-version'], ['--no-version: unknown flag, see --help']],
    [['--__proto__=1'], ['--__proto__: unknown flag, see --help']],
    [['--constructor'], ['--constructor: unknown flag, see --help']],
    [['--interval'], ['--interval: no value, expected DURATION']],
    [['--interval='], ['--interval: no value, expected DURATION']],
    [['--interval', '--log.level', 'info'], ['--interval: no value, expected DURATION']],
    [['--interval=1s', '--interval=2s'], ['--interval: given twice, expected once']],
    [['--version=1'], ['--version: takes no value']],
    [['lagg'], ['"lagg": unexpected argument, expected a flag']],
    [
      ['--intervall', '1s', '--log.levle=x'],
      ['--intervall: unknown flag, did you mean --interval?', '--log.levle: unknown flag, did you mean --log.level?'],
    ],
  ])('refuses %j', (argv, problems) => {
    expect(problemsOf(() => parseFlags(argv))).toEqual(problems)
  })
})

describe('effectiveConfig()', () => {
  const effective = (...argv: string[]) => effectiveConfig(parseFlags(argv), {})

  it('is the demo when nothing is configured', () => {
    const { config, demo } = effective()

    expect(demo).toBe(true)
    expect(config.kafka).toEqual([])
  })

  it.each([
    ['interval: 1m', false],
    ['demo: true', true],
    ['demo: false', false],
    ['zookeeper: { connect: zk1 }', false],
    ['kafka: [ { name: a, bootstrap: "b:1" } ]', false],
    ['demo: true\nzookeeper: { connect: zk1 }', true],
  ])('of %j has demo %s', (text, demo) => {
    expect(effective(`--config.file=${put(text)}`).demo).toBe(demo)
  })

  it('has a cluster named default for --kafka.bootstrap', () => {
    const { config, demo } = effective('--kafka.bootstrap=a:1, [::1]:2', '--interval=1m')

    expect(demo).toBe(false)
    expect(config.kafka).toMatchObject([{ name: 'default', bootstrap: ['a:1', '[::1]:2'], interval: 60_000 }])
  })

  it('refuses --kafka.bootstrap beside kafka in the file', () => {
    const file = put('kafka: [ { name: a, bootstrap: "b:1" } ]')

    expect(problemsOf(() => effective(`--config.file=${file}`, '--kafka.bootstrap=a:1'))).toEqual([
      `${file}: kafka (1:1): given beside --kafka.bootstrap, expected only one of them`,
    ])
  })

  it('lets flags win over the file', () => {
    const file = put(
      'interval: 1m\nlog: { level: warn, format: json }\nzookeeper: { connect: a, session_timeout: 20s }',
    )

    const { config } = effective(
      `--config.file=${file}`,
      '--log.level=debug',
      '--zookeeper.connect=b:1/c',
      '--web.listen-address=127.0.0.1:0',
    )

    expect(config).toMatchObject({
      interval: 60_000,
      log: { level: 'debug', format: 'json' },
      zookeeper: { connect: 'b:1/c', session_timeout: 20_000 },
      web: { listen_address: { host: '127.0.0.1', port: 0 } },
    })
  })

  it('names the flag whose value is wrong', () => {
    const problems = problemsOf(() =>
      effective('--log.level=inof', '--kafka.bootstrap=a:1,b', '--web.listen-address=1', '--interval=1'),
    )

    expect(problems).toEqual([
      '--web.listen-address: "1", expected an address such as ":10390", "127.0.0.1:10390" or "[::1]:10390"',
      '--interval: "1", expected a duration from 1s to 1h such as "15s", "1m30s" or "500ms"',
      '--kafka.bootstrap: "a:1,b", expected host:port such as "broker1:9092" or "[2001:db8::1]:9092"',
      '--log.level: "inof", expected one of debug, info, warn, error; did you mean "info"?',
    ])
  })
})

describe('helpText()', () => {
  it('lists commands and flags within 100 columns', () => {
    const help = helpText([{ usage: 'check config FILE', summary: 'Say whether a configuration file is right.' }])

    expect(help).toMatchInlineSnapshot(`
      "Lagkeeper finds the metric reporters of streaming jobs for Prometheus, and says uniformly how far
      behind every Kafka consumer is. Without flags it runs a demo on http://localhost:10390.

      Usage: lagkeeper [flags]

      Commands:
        lagkeeper check config FILE  Say whether a configuration file is right.

      Flags:
        --config.file FILE                        Configuration file (YAML); see docs/configuration.md.
        --web.listen-address ADDRESS              Where to listen for HTTP. Default ":10390".
        --web.config.file FILE                    TLS, client certificates and users: docs/security.md.
        --kafka.bootstrap HOST:PORT[,…]           Brokers of one Kafka cluster, named "default".
        --zookeeper.connect HOST:PORT[,…][/PATH]  Keep registrations in this ZooKeeper.
        --interval DURATION                       Time between two cycles of a cluster. Default "15s".
        --log.level LEVEL                         debug, info, warn or error. Default "info".
        --log.format FORMAT                       auto, json or text. Default "auto": text on a terminal.
        --version                                 Print the version and exit.
        --help                                    Print this help and exit.
      "
    `)
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  })
})
