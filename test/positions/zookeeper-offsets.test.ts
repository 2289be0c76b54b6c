import { afterEach, describe, expect, it } from 'vitest'
import { offsetAt } from '../../src/model/offsets.ts'
import { reasonOf } from '../../src/model/reason.ts'
import type { PositionSource } from '../../src/positions/position-source.ts'
import { readOffset } from '../../src/positions/zookeeper-offset.ts'
import { createZookeeperOffsets } from '../../src/positions/zookeeper-offsets.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { errorCodes } from '../../src/zookeeper/errors.ts'
import { opcodes, permissions } from '../../src/zookeeper/opcodes.ts'
import { type RunningClient, runClient } from '../contract/zookeeper-world.ts'
import { fakeLogs } from '../fakes/columns.ts'
import { type FakeZookeeper, type FakeZookeeperOptions, startFakeZookeeper } from '../fakes/zookeeper.ts'
import type { FakeData } from '../fakes/zookeeper-data.ts'
import { digestOf } from '../fakes/zookeeper-tree.ts'

const signal = new AbortController().signal
const { catalog } = fakeLogs([{ name: 'hidden', start: [0n, 0n], end: [9n, 9n] }])

/** As old consumers write it. */
function commit(data: FakeData, group: string, topic: string, partition: number, offset: string): void {
  const path = `/consumers/${group}/offsets/${topic}/${partition}`
  if (data.tree.has(path)) data.write(path, offset)
  else put(data, path, offset)
}

function put(data: FakeData, path: string, text = '', ephemeralOwner = 0n): void {
  const parts = path.split('/').slice(1)
  for (const [index] of parts.entries()) {
    const here = `/${parts.slice(0, index + 1).join('/')}`
    if (index === parts.length - 1) data.create(here, text, ephemeralOwner)
    else if (!data.tree.has(here)) data.create(here, '')
  }
}

interface World extends AsyncDisposable {
  readonly server: FakeZookeeper
  readonly client: RunningClient
  readonly source: PositionSource
  /** `group topic/partition` to the position or the reason, and what went wrong. */
  look(): Promise<{ rows: Record<string, bigint | string>; problems: string[]; unread: string[]; members: unknown }>
  /** Requests since the last call, by opcode. */
  requests(): Record<string, number>
}

let world: World | undefined

afterEach(async () => {
  await world?.[Symbol.asyncDispose]()
  world = undefined
})

async function start(
  options: FakeZookeeperOptions & {
    readonly chroot?: string
    readonly auth?: boolean
    readonly deadlineMs?: number
    readonly keepConsumer?: (name: string) => boolean
    readonly keepTopic?: (name: string) => boolean
    readonly sessionTimeoutMs?: number
  } = {},
): Promise<World> {
  const server = await startFakeZookeeper(options)
  const connect = `${server.connect}${options.chroot ?? ''}`
  const client = runClient({
    connect,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 6_000,
    allowsReadOnly: true,
    ...(options.auth === true && { auth: [{ scheme: 'digest', credential: 'rig:rig' }] }),
  })
  const source = createZookeeperOffsets({
    zookeeper: client.zookeeper,
    connect,
    clock: systemClock,
    keepConsumer: options.keepConsumer ?? (() => true),
    keepTopic: options.keepTopic ?? (() => true),
    deadlineMs: options.deadlineMs ?? 5_000,
  })
  let counted = 0
  const made: World = {
    server,
    client,
    source,
    look: async () => {
      const { batches, problems } = await source.collect(catalog, signal)
      const rows: Record<string, bigint | string> = {}
      for (const batch of batches)
        for (let block = 0; block < batch.blockConsumer.length; block++)
          for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
            const { name } = batch.consumers[batch.blockConsumer[block]!]!
            const key = `${name} ${batch.topics[batch.blockTopic[block]!]!.name}/${batch.partition[row]}`
            rows[key] = reasonOf(batch.reason[row]!) ?? offsetAt(batch.value, row)
          }
      return {
        rows,
        problems: problems.filter(({ consumer }) => consumer === undefined).map(({ message }) => message),
        unread: problems.flatMap(({ consumer, reason }) => (consumer === undefined ? [] : [`${consumer} ${reason}`])),
        members: Object.fromEntries(
          batches.flatMap(({ consumers }) => consumers.map(({ name, members }) => [name, members])),
        ),
      }
    },
    requests: () => {
      const names = new Map<number, string>(Object.entries(opcodes).map(([name, code]) => [code, name]))
      const counts: Record<string, number> = {}
      for (const { opcode } of server.requests.slice(counted)) {
        const name = names.get(opcode) ?? String(opcode)
        if (name !== 'ping') counts[name] = (counts[name] ?? 0) + 1
      }
      counted = server.requests.length
      return counts
    },
    [Symbol.asyncDispose]: async () => {
      await client.stop()
      await server.stop()
    },
  }
  world = made
  return made
}

describe('readOffset()', () => {
  it.each([
    ['12', 12n],
    ['0', 0n],
    ['+7', 7n],
    ['0012', 12n],
    ['9223372036854775807', 2n ** 63n - 1n],
  ])('takes "%s" as the old consumer does', (text, position) => {
    expect(readOffset(Buffer.from(text))).toEqual({ kind: 'position', position })
  })

  it('takes -1 for no offset yet, which is what the old consumer writes then', () => {
    expect(readOffset(Buffer.from('-1'))).toEqual({ kind: 'none' })
  })

  it.each([
    ['', 'nothing'],
    ['abc', '"abc"'],
    ['-2', '"-2"'],
    ['9223372036854775808', '"9223372036854775808"'],
    ['12\n', '"12?"'],
    ['1.5', '"1.5"'],
    ['\u001b[31m', '"?[31m"'],
    ['0x10', '"0x10"'],
    ['{"version":1,"offset":5,"topic":"a long one"}', '"{"version":1,"offset":5,"topic":"… (45 bytes)'],
    ['1'.repeat(65), '65 bytes'],
  ])('takes %j for nonsense', (text, why) => {
    expect(readOffset(Buffer.from(text))).toEqual({ kind: 'nonsense', why })
  })
})

describe.each(['3.9', '3.4'] as const)('offsets in ZooKeeper %s', (version) => {
  it('are positions of the kind zookeeper, with an expected partition for each owned one', async () => {
    const { server, look, source } = await start({ version })
    commit(server.data, 'g', 't', 0, '12')
    commit(server.data, 'g', 't', 10, '9007199254740993')
    commit(server.data, 'g', 't', 2, '-1')
    commit(server.data, 'g', 'a', 0, '5')
    put(server.data, '/consumers/g/ids/g_host-1', '{}', 7n)
    put(server.data, '/consumers/g/ids/g_host-2', '{}', 7n)
    put(server.data, '/consumers/g/owners/t/1', 'g_host-1-0', 7n)
    put(server.data, '/consumers/g/owners/t/0', 'g_host-1-0', 7n)
    put(server.data, '/consumers/g/owners/new/3', 'g_host-2-0', 7n)

    expect(await look()).toEqual({
      rows: {
        'g a/0': 5n,
        'g new/3': 'no_position',
        'g t/0': 12n,
        'g t/1': 'no_position',
        'g t/2': 'no_position',
        'g t/10': 9_007_199_254_740_993n,
      },
      problems: [],
      unread: [],
      members: { g: 2 },
    })
    const { batches } = await source.collect(catalog, signal)
    expect(batches[0]?.consumers).toEqual([{ name: 'g', kind: 'zookeeper', group: 'g', members: 2 }])
    expect(batches[0]?.evidence).toMatchObject([{ from: server.connect, api: 'ZooKeeper getData', code: 0 }])
  })

  it('are looked for below the chroot', async () => {
    const { server, look } = await start({ version, chroot: '/kafka/eu' })
    put(server.data, '/kafka/eu/consumers/g/offsets/t/0', '3')
    put(server.data, '/consumers/other/offsets/t/0', '4')

    expect((await look()).rows).toEqual({ 'g t/0': 3n })
  })

  it('follow what is committed, added and deleted between two looks', async () => {
    const { server, look } = await start({ version })
    commit(server.data, 'g', 't', 0, '1')
    commit(server.data, 'old', 't', 0, '1')
    await look()
    commit(server.data, 'g', 't', 0, '2')
    commit(server.data, 'g', 't', 1, '8')
    commit(server.data, 'g', 'u', 0, '3')
    commit(server.data, 'new', 't', 0, '4')
    for (const path of ['/offsets/t/0', '/offsets/t', '/offsets', '']) server.data.remove(`/consumers/old${path}`)

    expect((await look()).rows).toEqual({ 'g t/0': 2n, 'g t/1': 8n, 'g u/0': 3n, 'new t/0': 4n })
  })

  it('are none for a group that has a znode and keeps its offsets in Kafka', async () => {
    const { server, look } = await start({ version })
    put(server.data, '/consumers/in-kafka/ids/c_host-1', '{}', 7n)
    put(server.data, '/consumers/in-kafka/owners/t/0', 'c_host-1-0', 7n)
    put(server.data, '/consumers/stopped/ids')
    put(server.data, '/consumers/empty/offsets/t')
    put(server.data, '/consumers/of-0.7/offsets/t/1-0', '5')
    put(server.data, '/consumers/nothing')

    expect(await look()).toEqual({ rows: {}, problems: [], unread: [], members: {} })
  })

  it('name the znode that holds nonsense, and hide nothing else', async () => {
    const { server, look } = await start({ version })
    commit(server.data, 'g', 't', 0, 'abc')
    commit(server.data, 'g', 't', 1, '-7')
    commit(server.data, 'g', 't', 2, '9223372036854775808')
    commit(server.data, 'g', 't', 3, '7'.repeat(1_000_000))
    commit(server.data, 'g', 't', 4, '9')

    const { rows, problems, unread } = await look()

    expect(rows).toEqual({
      'g t/0': 'read_failed',
      'g t/1': 'read_failed',
      'g t/2': 'read_failed',
      'g t/3': 'read_failed',
      'g t/4': 9n,
    })
    expect(unread).toEqual([])
    expect(problems.toSorted()).toEqual([
      expect.stringContaining('/consumers/g/offsets/t/0" of ZooKeeper'),
      expect.stringMatching(/t\/1.*"-7", expected a whole number from 0 to 9223372036854775807/),
      expect.stringContaining('t/2'),
      expect.stringMatching(/t\/3.*: 1000000 bytes, expected/),
    ])
    expect(problems[0]).toContain('"abc", expected')
  })

  it('cost one read of each directory and offset in a steady look, and no list', async () => {
    const { server, look, requests } = await start({ version })
    for (let partition = 0; partition < 20; partition++) commit(server.data, 'g', 't', partition, '1')
    await look()
    await look()
    requests()

    await look()

    expect(requests()).toEqual(
      version === '3.4' ? { sync: 1, getData: 1 + 1 + 1 + 1 + 20 } : { sync: 1, multiRead: 1 + 1 + 1 + 1 + 1 },
    )
  })

  it('are read without a single write', async () => {
    const { server, look, requests } = await start({ version, chroot: '/kafka' })
    await look()
    put(server.data, '/kafka/consumers/g/offsets/t/0', '3')
    await look()

    const sent = Object.keys(requests())
    expect(sent).not.toEqual([])
    expect(sent.filter((name) => !/^(sync|multiRead|getData|getChildren2?|auth|closeSession)$/.test(name))).toEqual([])
    expect(server.data.tree.has('/kafka/lagkeeper')).toBe(false)
  })
})

describe('a source of offsets in ZooKeeper', () => {
  it('leaves out consumers and topics that are not wanted', async () => {
    const { server, look } = await start({
      keepConsumer: (name) => name !== 'no',
      keepTopic: (name) => name !== 'no',
    })
    commit(server.data, 'g', 't', 0, '1')
    commit(server.data, 'g', 'no', 0, '1')
    commit(server.data, 'no', 't', 0, '1')
    commit(server.data, 'only-no', 'no', 0, '1')

    expect(await look()).toMatchObject({ rows: { 'g t/0': 1n }, members: { g: 0, 'only-no': 0 } })
  })

  it('says that this is not where Kafka has its znodes', async () => {
    const { look } = await start({ chroot: '/kafak' })

    expect((await look()).problems).toEqual([
      expect.stringMatching(
        /^Offsets in ZooKeeper "127\.0\.0\.1:\d+\/kafak": there is no znode "\/consumers", expected/,
      ),
    ])
  })

  it('names every consumer it knew when ZooKeeper does not answer, and goes on when it does again', async () => {
    const { server, look } = await start({ deadlineMs: 300 })
    commit(server.data, 'a', 't', 0, '1')
    commit(server.data, 'b', 't', 0, '1')
    await look()
    server.freeze()

    const since = performance.now()
    const frozen = await look()
    const tookMs = performance.now() - since
    server.thaw()

    expect(frozen).toMatchObject({ rows: {}, unread: ['a timeout', 'b timeout'] })
    expect(tookMs).toBeLessThan(600)
    expect(await look()).toMatchObject({ rows: { 'a t/0': 1n, 'b t/0': 1n }, unread: [], problems: [] })
  })

  it('does not wait for a ZooKeeper that is gone', async () => {
    const { server, look, client } = await start({ deadlineMs: 5_000 })
    commit(server.data, 'a', 't', 0, '1')
    await look()
    await server.stop()
    server.dropConnections()
    await expect.poll(() => client.zookeeper.state()).toBe('connecting')

    const since = performance.now()
    const { unread } = await look()

    expect(unread).toEqual(['a timeout'])
    expect(performance.now() - since).toBeLessThan(1_000)
  })

  it('shows no position of a server that is cut off from its ensemble', async () => {
    const { server, look } = await start()
    commit(server.data, 'a', 't', 0, '1')
    server.onRequest = ({ opcode }) =>
      opcode === opcodes.sync ? { kind: 'error', code: errorCodes.NOT_READ_ONLY } : undefined

    expect(await look()).toEqual({
      rows: { 'a t/0': 'stale' },
      problems: [expect.stringContaining('cut off from its ensemble')],
      unread: [],
      members: { a: 0 },
    })
  })

  it('goes on after its session has expired', async () => {
    const { server, look, client } = await start()
    commit(server.data, 'a', 't', 0, '1')
    await look()
    server.data.endSession(client.zookeeper.session()?.id ?? 0n)

    await expect.poll(async () => (await look()).rows, { timeout: 5_000 }).toEqual({ 'a t/0': 1n })
  })

  it('says what it may not read, and reads the rest', async () => {
    const { server, look } = await start()
    const acl = [{ perms: permissions.all, scheme: 'digest', id: digestOf('rig:rig') }]
    const secret = (path: string, text: string): void => {
      const data = Buffer.from(text)
      server.data.tree.change(
        { type: 'create2', path, data, acl, flags: 0 },
        { sessionId: 0n, ids: new Set([`digest:${digestOf('rig:rig')}`]) },
      )
    }
    commit(server.data, 'g', 't', 0, '1')
    secret('/consumers/g/offsets/t/1', '2')
    secret('/consumers/g/offsets/hidden', '')

    const { rows, problems } = await look()

    expect(rows).toEqual({
      'g hidden/0': 'unauthorized',
      'g hidden/1': 'unauthorized',
      'g t/0': 1n,
      'g t/1': 'unauthorized',
    })
    expect(problems).toHaveLength(2)
    for (const problem of problems) expect(problem).toContain('NO_AUTH')
  })

  it('tells of twenty bad znodes and how many more there are', async () => {
    const { server, look } = await start()
    for (let partition = 0; partition < 50; partition++) commit(server.data, 'g', 't', partition, 'x')

    const { problems } = await look()

    expect(problems).toHaveLength(21)
    expect(problems.at(-1)).toContain('30 more')
  })

  it('ends with its signal', async () => {
    const { server, source } = await start()
    server.freeze()
    const stopping = new AbortController()
    const reading = source.collect(catalog, stopping.signal)
    stopping.abort(new Error('stopped'))

    await expect(reading).rejects.toThrow('stopped')
  })

  it('reads 10,000 offsets of 100 groups in few requests', async () => {
    const { server, look, requests } = await start()
    for (let group = 0; group < 100; group++)
      for (let topic = 0; topic < 10; topic++)
        for (let partition = 0; partition < 10; partition++)
          commit(server.data, `g${group}`, `t${topic}`, partition, String(partition))
    await look()
    requests()

    const { rows } = await look()

    expect(Object.keys(rows)).toHaveLength(10_000)
    const { sync, multiRead, ...others } = requests()
    expect([sync, others]).toEqual([1, {}])
    // 11,201 reads by 500, and a short one for each kind of znode.
    expect(multiRead).toBeLessThanOrEqual(30)
  }, 60_000)
})
