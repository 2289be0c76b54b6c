import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forkCluster } from '../../bench/fork-cluster.ts'
import type { Lie } from '../../src/simulator/kafka-faults.ts'
import { startDaemon } from '../rigs/daemon.ts'
import { daemonArgs } from './build.ts'
import { lookFor, openSimulatedWorld, type SimulatedWorld } from './kafka-simulated-world.ts'
import { removeTemporaryFolders, temporaryFolder } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

let world: SimulatedWorld

beforeAll(async () => {
  world = await openSimulatedWorld()
  world.main.state.createTopic('orders', 2)
  for (const partition of [0, 1]) {
    world.main.state.setLog('orders', partition, 0n, 100n)
    world.main.state.commit('billing', 'orders', partition, 90n)
  }
  await shows('10')
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await removeTemporaryFolders()
})

async function shows(lag: string, ms = 15_000): Promise<void> {
  for (const partition of [0, 1])
    await eventually(
      `partition ${partition} to show ${lag}`,
      ms,
      async () => (await world.lag('billing', 'orders', partition)) === lag,
    )
}

/** A frame with the true correlation, whose body comes from us. */
function framed(answer: Buffer, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat([answer.subarray(4, 8), ...parts])
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

async function* drip(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) {
    yield bytes.subarray(at, at + 1)
    await sleep(500)
  }
}

/** What stands in the place of every answer to one API, whose versions here are flexible ones. */
const shapes: readonly (readonly [name: string, counted: 'decode' | 'timeout', lie: (answer: Buffer) => Lie])[] = [
  ['the answer of a web server', 'decode', () => Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')],
  ['a TLS alert', 'decode', () => Buffer.from([0x15, 3, 3, 0, 2, 2, 40])],
  ['a drip of 2 bytes a second', 'timeout', drip],
  [
    'another correlation id',
    'decode',
    (answer) => {
      answer.writeInt32BE(answer.readInt32BE(4) + 1, 4)
      return answer
    },
  ],
  ['an array of 2^31', 'decode', (answer) => framed(answer, Buffer.from([0, 0, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 8]))],
  [
    '2^31 - 1 tagged fields',
    'decode',
    (answer) => framed(answer, Buffer.from([0xff, 0xff, 0xff, 0xff, 7]), Buffer.alloc(1 << 20)),
  ],
  ['a frame cut short', 'decode', (answer) => framed(answer, answer.subarray(8, answer.length - 9))],
  ['a length of -1', 'decode', () => Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['a length of 2^31 - 1', 'decode', () => Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
  ['an empty frame', 'decode', () => Buffer.alloc(4)],
]

const decodeErrors = async (): Promise<number> =>
  Number((await world.value('lagkeeper_peer_decode_errors_total', { peer: 'kafka main' })) ?? 0)

const timeouts = async (): Promise<number> =>
  Number(
    (await world.value('lagkeeper_source_errors_total', { source: 'kafka', name: 'main', reason: 'timeout' })) ?? 0,
  )

/** Each is asked for in every cycle, and read on a connection of its own broker or of any. */
const liedAbout = ['ListOffsets', 'Metadata', 'OffsetFetch', 'ListGroups'] as const
const lies = liedAbout.flatMap((asked) => shapes.map(([name, counted, lie]) => ({ asked, name, counted, lie })))

describe('faults of class K: what simulated brokers do to their callers', () => {
  it.each(lies)('K26 $name to $asked is counted and ends the connection, and nothing else', async (one) => {
    const { asked, counted, lie } = one
    const { main } = world
    const pid = world.pid()
    const [rss, errors] = [await world.rssMb(), await world.errors('main')]
    const count = counted === 'decode' ? decodeErrors : timeouts
    const before = await count()
    const connections = main.requests.total('ApiVersions')
    let lied = 0
    main.faults.lie(({ api, bytes }) => {
      if (api !== asked) return bytes
      lied++
      return lie(bytes)
    })
    try {
      await eventually('it to be counted', 10_000, async () => (await count()) > before)
      await world.otherFollows()
      const seen = await lookFor(1_000, () => world.lag('billing', 'orders'))
      // What was right last is held; nothing else may be shown.
      expect(new Set(seen)).toEqual(new Set(['10']))
      expect(await world.errors('main')).toBeGreaterThan(errors)
      await eventually('a new connection', 15_000, async () => main.requests.total('ApiVersions') > connections)
    } finally {
      main.faults.lie(undefined)
    }
    injected(lied > 0, 'no answer was changed')
    for (const partition of [0, 1]) main.state.setLog('orders', partition, 0n, 120n)
    await shows('30')
    for (const partition of [0, 1]) main.state.setLog('orders', partition, 0n, 100n)
    for (const partition of [0, 1]) main.state.commit('billing', 'orders', partition, 90n)
    await shows('10')
    expect(world.pid()).toBe(pid)
    expect(await world.rssMb()).toBeLessThan(rss + 100)
  })

  it('K24 throttled for 30 s by its brokers it asks them nothing meanwhile, and nothing has piled up afterwards', async () => {
    const { main } = world
    const perBroker = (): readonly number[] => [1, 2].map((broker) => main.requests.total(undefined, broker))
    await shows('10')
    const untouched = perBroker()
    await sleep(5_000)
    const usual = Math.max(...perBroker().map((count, index) => count - (untouched[index] ?? 0))) / 5
    main.faults.throttle(30_000)
    const before = perBroker()
    await eventually('an answer of each broker', 5_000, async () =>
      perBroker().every((count, index) => count > (before[index] ?? 0)),
    )
    // Questions that were on their way when the first throttled answer came are answered so too.
    await sleep(1_000)
    const since = performance.now()
    main.faults.throttle(0)
    for (const partition of [0, 1]) main.state.setLog('orders', partition, 0n, 150n)
    const during = perBroker()
    const seen = await lookFor(20_000, async () => world.lag('billing', 'orders'))
    injected(performance.now() - since < 26_000, 'the looks took longer than the throttling')
    expect(perBroker(), 'questions while throttled').toEqual(during)
    expect(new Set(seen)).toEqual(new Set(['10']))
    await world.otherFollows()

    await eventually('the first question after it', 20_000, async () =>
      perBroker().some((n, at) => n > (during[at] ?? 0)),
    )
    expect(performance.now() - since).toBeGreaterThan(26_000)
    await sleep(3_000)
    for (const [index, count] of perBroker().entries())
      expect(count - (during[index] ?? 0), 'questions in the 3 s after it').toBeLessThanOrEqual(Math.ceil(usual * 6))
    await shows('60')
    expect(world.pid()).toBeDefined()
  })

  it('K25 cycles that take longer than their interval follow each other and never overlap', async () => {
    const { main } = world
    const open = new Set<string>()
    const overlaps: string[] = []
    let begun = 0
    async function* late(name: string, bytes: Buffer): AsyncGenerator<Uint8Array> {
      await sleep(700)
      open.delete(name)
      yield bytes
    }
    for (const partition of [0, 1]) main.state.setLog('orders', partition, 0n, 150n)
    await shows('60')
    // Logs begin, groups, positions, logs end: 2.1 s and more at 0.7 s a question, with an interval of 1 s.
    main.faults.lie(({ api, broker, correlation, bytes }) => {
      const name = `${api} of broker ${broker}, ${correlation}`
      if (api === 'ListGroups') {
        begun++
        overlaps.push(...[...open].filter((one) => /^(?:OffsetFetch|ListOffsets) /.test(one)))
      }
      open.add(name)
      return late(name, bytes)
    })
    try {
      const seen = await lookFor(12_000, () => world.lag('billing', 'orders'))
      expect(new Set(seen)).toEqual(new Set(['60']))
      const took = Number(await world.value('lagkeeper_cycle_duration_seconds', { kafka_cluster: 'main' }))
      injected(took > 1.4 && begun >= 6, `${begun} questions for groups, a cycle of ${took} s`)
      await world.otherFollows()
    } finally {
      main.faults.lie(undefined)
    }
    expect(overlaps).toEqual([])
  })

  it('K25 of 65,000 groups on 24,000 partitions the page has every row, cycle after cycle', async () => {
    const shape = { brokers: 3, topics: 6_000, partitionsPerTopic: 4, groups: 65_000, partitionsPerGroup: 4 }
    await using cluster = await forkCluster(shape)
    const folder = temporaryFolder('many-groups')
    const config = [
      `storage: { path: "${folder}/data" }`,
      // Half of it is for the positions, on whatever else runs here.
      'interval: 4s',
      `kafka: [{ name: many, bootstrap: ${JSON.stringify(cluster.bootstrap)}, request_timeout: 30s }]`,
    ].join('\n')
    const daemon = await startDaemon({ folder, config, program: await daemonArgs() })
    await using _ended = daemon.process
    const text = async (path: string): Promise<string> =>
      (await fetch(daemon.url + path, { signal: AbortSignal.timeout(60_000) })).text()
    const seconds = async (): Promise<number | undefined> => {
      const found = /^lagkeeper_cycle_duration_seconds\{kafka_cluster="many"\} (\S+)$/m.exec(
        await text('/metrics/self'),
      )
      return found === null ? undefined : Number(found[1])
    }
    await eventually('a first cycle', 90_000, seconds, 200)

    const cycles = async (): Promise<number> => {
      const { counts } = await cluster.ask('counts')
      return counts.reduce((sum, one) => sum + (one.api === 'ListGroups' && one.broker === 1 ? one.count : 0), 0)
    }
    const begun = performance.now()
    const before = await cycles()
    const durations = new Set<number>()
    while (performance.now() - begun < 20_000) {
      durations.add((await seconds()) ?? 0)
      await sleep(100)
    }
    const during = (await cycles()) - before
    const passed = (performance.now() - begun) / 1_000
    injected(during >= 2 && durations.size >= 2, `only ${during} cycles in ${passed} s`)
    // Cycles beside each other would have taken more time in all than has passed; one may have begun before.
    expect((during - 1) * Math.min(...durations)).toBeLessThanOrEqual(passed)

    const page = await text('/metrics')
    const lags = page.match(/^stream_consumer_records_lag\{.*$/gm) ?? []
    const values = new Set(lags.map((line) => line.slice(line.lastIndexOf(' ') + 1)))
    expect(lags.length).toBe(shape.groups * shape.partitionsPerGroup)
    expect(new Set(lags.map((line) => line.slice(0, line.lastIndexOf(' ')))).size).toBe(lags.length)
    for (const value of values) expect(value).toMatch(/^\d+$/)
    expect(page.match(/^stream_consumer_info\{/gm)).toHaveLength(shape.groups)
    expect(page).toContain('lagkeeper_source_up{source="kafka",name="many"} 1')
    console.info(
      `K25: ${during} cycles in ${passed.toFixed(1)} s, ${[...durations].map((s) => s.toFixed(2)).join(' ')}`,
    )
  })
})
