import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lagCommand } from '../../src/commands/lag.ts'
import { parseLagArguments } from '../../src/commands/lag-arguments.ts'
import { lagTable } from '../../src/commands/lag-table.ts'
import { join as joinLag } from '../../src/lag/join.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { fakeBatch, fakeLogs, fakeSnapshot } from '../fakes/columns.ts'
import { captureIo } from '../fakes/io.ts'

describe('parseLagArguments()', () => {
  it.each<[string[], RegExp]>([
    [[], /--kafka\.bootstrap: missing, expected host:port/],
    [['--kafka.bootstrap=nowhere'], /--kafka\.bootstrap: "nowhere", expected host:port/],
    [['--kafka.bootstrap=h:99999'], /"h:99999", expected host:port/],
    [['--kafka.bootstrap=h:9092', '--max-lag=-1'], /--max-lag: "-1", expected a number of records/],
    [['--kafka.bootstrap=h:9092', '--max-lag=ten'], /--max-lag: "ten"/],
    [['--kafka.bootstrap=h:9092', '--timeout=0'], /--timeout: "0", expected 1 to 600 seconds/],
    [['--kafka.bootstrap=h:9092', '--consumer=(a'], /--consumer: "\(a", expected an RE2 pattern/],
    [['--kafka.bootstrap=h:9092', '--topic=(?=x)'], /--topic: "\(\?=x\)", expected an RE2 pattern/],
    [['--kafka.bootstrap=h:9092', '--colour'], /--colour/],
    [['--kafka.bootstrap=h:9092', 'extra'], /extra/],
    [['--kafka.bootstrap=h:9092', '--config.file=x.yaml'], /--kafka\.bootstrap: expected it alone/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseLagArguments(argv)).toThrow(message)
  })

  it('takes several brokers, IPv6 too, and anchors patterns', () => {
    const { bootstrap, consumer } = parseLagArguments(['--kafka.bootstrap=a:1, [::1]:2', '--consumer=or.*'])

    expect(bootstrap).toEqual(['a:1', '[::1]:2'])
    expect([consumer('orders'), consumer('for')]).toEqual([true, false])
  })
})

describe('lagTable()', () => {
  it('keeps its columns whatever the names hold', () => {
    const logs = fakeLogs([{ name: 'топик', start: [0n], end: [5n] }])
    const input = {
      ...logs,
      recreated: new Uint8Array(1),
      previous: undefined,
      holdSince: 0,
      noPosition: () => 'ignore' as const,
    }
    const part = joinLag(fakeBatch({ 'a\u001b[31m\nb\u202e\\': { топик: { 0: 'no_position' } } }), input)

    expect(lagTable([...lagRows(fakeSnapshot(logs, [part]))])).toBe(
      [
        'CONSUMER                    TOPIC  PARTITION  POSITION  LOG-START  LOG-END  LAG  REASON',
        'a\\u001b[31m\\u000ab\\u202e\\\\  топик          0         -          0        5    -  no_position',
        '',
      ].join('\n'),
    )
  })
})

describe('lagCommand()', () => {
  it('ends with 3 and says what to check when nobody answers', async () => {
    const { io, err } = captureIo()

    expect(await lagCommand(['--kafka.bootstrap=127.0.0.1:1', '--timeout=1'], io)).toBe(3)
    expect(err()).toMatch(/ECONNREFUSED.*\nCheck the address/)
  })

  it('ends with 2 on wrong usage, and prints its help', async () => {
    const wrong = captureIo()
    const help = captureIo()

    expect(await lagCommand(['--kafka.bootstrap'], wrong.io)).toBe(2)
    expect(wrong.err()).toContain('See lagkeeper lag --help')
    expect(await lagCommand(['--help'], help.io)).toBe(0)
    expect(help.out()).toContain('Exit codes')
  })

  it('reads a cluster of a configuration file, with its filters', async () => {
    await using kafka = await createKafkaCluster({ users: { reader: 'secret' } })
    for (const name of ['t', 'skipped']) {
      kafka.state.createTopic(name, 1)
      kafka.state.commit('g', name, 0, 0n)
    }
    const file = join(mkdtempSync(join(tmpdir(), 'lagkeeper-lag-')), 'lagkeeper.yaml')
    const cluster = (name: string) =>
      `  - { name: ${name}, bootstrap: "${kafka.bootstrap.join(',')}", topics: { exclude: [skipped] }, sasl: { mechanism: PLAIN, username: reader, password: secret } }`
    writeFileSync(file, ['kafka:', cluster('one'), cluster('two')].join('\n'))
    const named = captureIo()
    const unnamed = captureIo()

    expect(await lagCommand([`--config.file=${file}`, '--kafka.cluster=two'], named.io)).toBe(0)
    expect(named.out()).toBe(
      '{"kafka_cluster":"two","consumer":"g","kind":"classic","topic":"t","partition":0,"position":0,"log_start_offset":0,"log_end_offset":0,"records_lag":0}\n',
    )
    expect(await lagCommand([`--config.file=${file}`], unnamed.io)).toBe(2)
    expect(unnamed.err()).toContain('--kafka.cluster: missing, expected one of one, two')
  })

  it('prints an exact lag of 2^63 − 1 records as JSON', async () => {
    await using kafka = await createKafkaCluster()
    kafka.state.createTopic('t', 1)
    kafka.state.setLog('t', 0, 0n, 2n ** 63n - 1n)
    kafka.state.commit('g', 't', 0, 0n)
    const { io, out } = captureIo()

    expect(await lagCommand([`--kafka.bootstrap=${kafka.bootstrap.join(',')}`], io)).toBe(0)
    expect(out()).toBe(
      '{"kafka_cluster":"default","consumer":"g","kind":"classic","topic":"t","partition":0,"position":0,"log_start_offset":0,"log_end_offset":9223372036854775807,"records_lag":9223372036854775807}\n',
    )
  })
})
