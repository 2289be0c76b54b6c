import { mkdtemp, readFile, rm, stat, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Registration } from '../../src/model/registration.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { encodeMember } from '../../src/targets/member-document.ts'
import { memberPath } from '../../src/targets/member-name.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'
import { registration, registrations } from '../targets/samples.ts'
import { fastClock, type RunningReplica, runReplica, untilReady } from './zookeeper-registry-world.ts'

const signal = AbortSignal.timeout(600_000)
const anybody = { sessionId: 0n, ids: new Set(['world:anyone']) }

let zookeeper: FakeZookeeper
let folder: string
let replicas: RunningReplica[]

beforeEach(async () => {
  zookeeper = await startFakeZookeeper()
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-zk-'))
  replicas = []
})
afterEach(async () => {
  for (const replica of replicas) await replica.stop()
  await zookeeper.stop()
  await rm(folder, { recursive: true })
})

/** Ten times faster than life; `name` is the storage of a replica. */
async function start(name = 'a', more: Partial<Parameters<typeof runReplica>[0]> = {}): Promise<RunningReplica> {
  const options = { connect: zookeeper.connect, storagePath: join(folder, name), sessionTimeoutMs: 60_000, ...more }
  const replica = runReplica(options, fastClock(10))
  replicas.push(replica)
  await untilReady(replica)
  return replica
}

const pathOf = (one: Registration) => `/targets/${memberPath(one, one.incarnation)}`
const ownerOf = (one: Registration) => zookeeper.data.tree.stat(pathOf(one)).ephemeralOwner
const put = ({ registry }: RunningReplica, ...many: Registration[]) => registry.put(many, signal)

function states({ registry }: RunningReplica): Readonly<Record<string, string>> {
  const targets = registry.view()?.targets ?? []
  return Object.fromEntries(
    targets.map(({ registration: { instance, incarnation }, state }) => [`${instance} ${incarnation}`, state]),
  )
}

const eventually = (replica: RunningReplica, expected: Readonly<Record<string, string>>) =>
  expect.poll(() => states(replica), { timeout: 10_000, interval: 5 }).toEqual(expected)

/** Looks all the time at how few targets are listed. */
function watchLeast(replica: RunningReplica) {
  let least = Number.POSITIVE_INFINITY
  const timer = setInterval(() => {
    least = Math.min(least, replica.registry.view()?.targets.length ?? least)
  }, 1)
  return () => {
    clearInterval(timer)
    return least
  }
}

describe('alone', () => {
  it('does not know the outcome when ZooKeeper answers with nonsense: nobody is told that he asked wrongly', async () => {
    const replica = await start()
    await put(replica, registration())
    zookeeper.onRequest = ({ opcode }) =>
      opcode === opcodes.sync ? { kind: 'raw', bytes: Buffer.from([0, 0, 0, 2, 1, 2]) } : undefined

    const ended = replica.registry.withdraw('payments/orders/taskmanager/unknown', undefined, signal)
    await expect(ended).rejects.toThrow(UnavailableError)
    await expect(ended).rejects.toThrow('outcome unknown')
  })

  it('writes members that others read, into directories without data', async () => {
    const replica = await start()
    const one = registration({ labels: { team: 'a' } })
    await put(replica, one)

    const { data } = zookeeper.data.tree.data(pathOf(one), anybody)
    expect(Buffer.from(encodeMember(one)).equals(data ?? Buffer.alloc(0))).toBe(true)
    expect(ownerOf(one)).not.toBe(0n)
    for (const path of ['/targets', '/targets/payments', '/targets/payments/orders'])
      expect(zookeeper.data.tree.stat(path)).toMatchObject({ dataLength: 0, ephemeralOwner: 0n })
  })

  it('puts everything back when the session expires, and nothing leaves the list meanwhile', async () => {
    const replica = await start()
    const many = registrations(300)
    await put(replica, ...many)
    const before = ownerOf(many[0]!)
    const least = watchLeast(replica)

    zookeeper.data.endSession(before)
    await expect.poll(() => many.every((one) => zookeeper.data.tree.has(pathOf(one))), { timeout: 10_000 }).toBe(true)

    expect(ownerOf(many[299]!)).not.toBe(before)
    await sleep(100)
    expect(least()).toBe(300)
    expect(new Set(Object.values(states(replica)))).toEqual(new Set(['listed']))
  })

  it('puts everything back after it was away for longer than its session', async () => {
    const many = registrations(50)
    const first = await start()
    await put(first, ...many)
    await first.stop()
    zookeeper.data.endSession(ownerOf(many[0]!))
    expect(zookeeper.data.tree.has(pathOf(many[0]!))).toBe(false)

    const second = await start()

    expect(second.registry.view()?.targets).toHaveLength(50)
    await expect.poll(() => many.every((one) => zookeeper.data.tree.has(pathOf(one)))).toBe(true)
  })

  it('does not take an empty ZooKeeper for the truth: others may be about to put theirs back', async () => {
    // Its own lease does not end meanwhile.
    const one = registration({ leaseSeconds: 3_600 })
    const [first, other] = [await start(), await start('b')]
    await put(first, one)
    // After a lease its journal is whole.
    await expect.poll(() => isJournalWhole('b'), { timeout: 10_000 }).toBe(true)
    await first.stop()
    await other.stop()
    expect((await restarted('b')).whole).toBe(true)

    zookeeper.data.endSession(ownerOf(one))
    expect(await restarted('b')).toMatchObject({ whole: false, targets: [] })
  })

  async function isJournalWhole(name: string): Promise<boolean> {
    return (await readFile(join(folder, name, 'registry.journal'), 'utf8')).includes('"whole":true')
  }

  async function restarted(name: string) {
    const replica = await start(name)
    const view = replica.registry.view()
    await replica.stop()
    return view!
  }

  it('takes its session over after a restart, and writes nothing that is there', async () => {
    const many = registrations(50)
    const first = await start()
    await put(first, ...many)
    await first.stop()
    const before = many.map((one) => zookeeper.data.tree.stat(pathOf(one)))

    const second = await start()
    await put(second, registration({ instance: 'new', address: '10.0.0.200:1' }))
    await sleep(100)

    expect(many.map((one) => zookeeper.data.tree.stat(pathOf(one)))).toEqual(before)
    expect((await stat(join(folder, 'a', 'zookeeper.session'))).mode & 0o777).toBe(0o600)
    expect(second.registry.view()?.targets).toHaveLength(51)
  })

  it('adopts what its session holds when the journal is lost', async () => {
    const first = await start()
    await put(first, ...registrations(3))
    await first.stop()
    await unlink(join(folder, 'a', 'registry.snapshot'))
    await unlink(join(folder, 'a', 'registry.journal'))

    const second = await start()

    await eventually(second, { 'tm-0 1': 'listed', 'tm-1 1': 'listed', 'tm-2 1': 'listed' })
    await expect.poll(() => second.registry.renew([{ id: registrations(1)[0]!.id }], signal)).toEqual([])
  })

  it('clears away what its session holds and nobody wants', async () => {
    const first = await start('a', { leaseSeconds: 5 })
    await put(first, registration())
    // After a lease it is certain that nothing is missing.
    const journal = join(folder, 'a', 'registry.journal')
    await expect.poll(() => readFile(journal, 'utf8'), { timeout: 5_000 }).toContain('"whole":true')
    const session = ownerOf(registration())
    await first.stop()
    const orphan = registration({ instance: 'orphan', address: '10.0.0.9:1' })
    zookeeper.data.create(pathOf(orphan), Buffer.from(encodeMember(orphan)).toString(), session)

    const second = await start()

    await eventually(second, { 'tm-1 1': 'listed' })
    await expect.poll(() => zookeeper.data.tree.has(pathOf(orphan))).toBe(false)
  })

  it('writes a member again that somebody deleted', async () => {
    const replica = await start()
    await put(replica, registration())
    const least = watchLeast(replica)

    zookeeper.data.remove(pathOf(registration()))

    await expect.poll(() => zookeeper.data.tree.has(pathOf(registration()))).toBe(true)
    await sleep(50)
    expect(least()).toBe(1)
  })

  it('answers "unavailable" while ZooKeeper is silent, and does it later all the same', async () => {
    const replica = await start()
    const other = registration({ instance: 'other', address: '10.0.0.8:1', leaseSeconds: 3_600 })
    await put(replica, registration({ leaseSeconds: 3_600 }))
    zookeeper.freeze()

    await expect(put(replica, other)).rejects.toThrow(UnavailableError)
    expect(states(replica)['tm-1 1']).toBe('listed')
    zookeeper.thaw()

    await expect.poll(() => zookeeper.data.tree.has(pathOf(other)), { timeout: 10_000 }).toBe(true)
    expect((await put(replica, other))[0]?.outcome).toBe('renewed')
  })

  it('is not fooled by a lost reply', async () => {
    const replica = await start()
    let isFirst = true
    zookeeper.onRequest = ({ opcode }) => {
      if (opcode !== opcodes.multi || !isFirst) return undefined
      isFirst = false
      return { kind: 'close' }
    }
    const outcomes: string[] = []
    while (outcomes.length === 0)
      await put(replica, registration()).then(
        (receipts) => outcomes.push(...receipts.map(({ outcome }) => outcome)),
        (error: unknown) => expect(error).toBeInstanceOf(UnavailableError),
      )

    expect(ownerOf(registration())).not.toBe(0n)
    expect(states(replica)).toEqual({ 'tm-1 1': 'listed' })
  })

  it('moves a member to its new incarnation in one step', async () => {
    const replica = await start()
    await put(replica, registration())

    await put(replica, registration({ incarnation: '2' }))

    expect(zookeeper.data.tree.has(pathOf(registration()))).toBe(false)
    expect(zookeeper.data.tree.has(pathOf(registration({ incarnation: '2' })))).toBe(true)
  })

  it('tells all readers of an announced end before the znode goes', async () => {
    const replica = await start()
    await put(replica, registration())

    await replica.registry.withdraw(registration().id, '1', signal)

    const marked = zookeeper.data.tree.data(pathOf(registration()), anybody)
    expect(JSON.parse(String(marked.data)).status).toBe('STOPPED')
    expect(states(replica)).toEqual({})
    await expect.poll(() => zookeeper.data.tree.has(pathOf(registration()))).toBe(false)
  })

  it('is there again when it is put right after its end', async () => {
    const replica = await start()
    await put(replica, registration())

    await replica.registry.withdraw(registration().id, '1', signal)
    await put(replica, registration())
    await sleep(300)

    const { data } = zookeeper.data.tree.data(pathOf(registration()), anybody)
    expect(JSON.parse(String(data)).status).toBe('ALIVE')
    expect(states(replica)).toEqual({ 'tm-1 1': 'listed' })
  })
})

it('lets only its own user write its members when it has one, and everybody read', async () => {
  const auth = [{ scheme: 'digest', credential: 'lagkeeper:secret' }]
  const replica = await start('a', { auth })
  await put(replica, registration())

  expect(String(zookeeper.data.tree.data(pathOf(registration()), anybody).data)).toContain('ALIVE')
  const stranger = { type: 'delete', path: pathOf(registration()), version: -1 } as const
  expect(() => zookeeper.data.tree.change(stranger, anybody)).toThrow('NO_AUTH')
  await replica.registry.withdraw(registration().id, '1', signal)
  await expect.poll(() => zookeeper.data.tree.has(pathOf(registration()))).toBe(false)
})

describe('beside others', () => {
  const foreign = registration({ instance: 'foreign', address: '10.0.0.50:1' })
  const write = (one: Registration, data = Buffer.from(encodeMember(one)).toString(), session = 0x77n) => {
    const [, , namespace, app] = pathOf(one).split('/')
    for (const path of ['/targets', `/targets/${namespace}`, `/targets/${namespace}/${app}`])
      if (!zookeeper.data.tree.has(path)) zookeeper.data.create(path, '')
    zookeeper.data.create(pathOf(one), data, session)
  }

  it('lists the members of everybody, and lets those linger that vanish', async () => {
    write(foreign)
    const replica = await start()
    expect(states(replica)).toEqual({ 'foreign 1': 'listed' })

    zookeeper.data.remove(pathOf(foreign))
    await eventually(replica, { 'foreign 1': 'lingering' })
    await eventually(replica, {})
  })

  it('takes back at once who lingers, and lets go at once who says good-bye', async () => {
    const replica = await start()
    write(foreign)
    await eventually(replica, { 'foreign 1': 'listed' })
    zookeeper.data.remove(pathOf(foreign))
    await eventually(replica, { 'foreign 1': 'lingering' })
    write(foreign)
    await eventually(replica, { 'foreign 1': 'listed' })

    zookeeper.data.write(pathOf(foreign), JSON.stringify({ status: 'STOPPED' }))
    await eventually(replica, {})
    zookeeper.data.remove(pathOf(foreign))
    await sleep(50)
    expect(states(replica)).toEqual({})
  })

  it('quarantines what is no good with its reason, and serves the rest', async () => {
    const replica = await start('a', { guard: (ip) => (ip === '10.6.6.6' ? 'not allowed' : undefined) })
    await put(replica, registration())
    write(foreign)
    write(registration({ instance: 'half', address: '10.0.0.51:1' }), '{"host":')
    write(registration({ instance: 'empty', address: '10.0.0.52:1' }), '')
    write(registration({ instance: 'evil', address: '10.6.6.6:1' }))
    write(registration({ instance: 'job', address: '10.0.0.53:1', labels: { job: 'spoof' } }))
    zookeeper.data.create('/targets/json', '{}')
    zookeeper.data.create('/targets/payments/orders/stray', 'x')

    await eventually(replica, { 'tm-1 1': 'listed', 'foreign 1': 'listed' })
    await expect.poll(() => replica.registry.view()?.quarantined.length).toBe(6)
    const why = Object.fromEntries(
      (replica.registry.view()?.quarantined ?? []).map(({ where, why }) => [where.split(/[/_]/).at(-2), why]),
    )
    expect(why).toMatchObject({
      half: expect.stringContaining('not a JSON object'),
      evil: 'not allowed',
      job: expect.stringContaining('labels.job'),
      targets: 'a directory must be empty',
      orders: expect.stringContaining('its name'),
    })

    zookeeper.data.write(pathOf(registration({ instance: 'half' })), '{"host":"10.0.0.51","port":1}')
    await expect.poll(() => states(replica)['half 1']).toBe('listed')
    expect(replica.registry.view()?.quarantined).toHaveLength(5)
  })

  it('shares what is put with another replica, and its end too', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, registration())
    await eventually(b, { 'tm-1 1': 'listed' })

    expect(await b.registry.withdraw(registration().id, '0', signal)).toBe('superseded')
    expect(await b.registry.withdraw(registration().id, '1', signal)).toBe('ended')
    await eventually(b, {})
    await eventually(a, {})
    expect(await a.registry.renew([{ id: registration().id }], signal)).toEqual([registration().id])
    await expect.poll(() => zookeeper.data.tree.has(pathOf(registration()))).toBe(false)
    await sleep(200)
    expect(zookeeper.data.tree.has(pathOf(registration()))).toBe(false)
  })

  it('hands a registrant over to the replica it speaks to now', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, registration())
    const before = ownerOf(registration())
    await eventually(b, { 'tm-1 1': 'listed' })
    expect(await b.registry.renew([{ id: registration().id }], signal)).toEqual([registration().id])

    expect((await put(b, registration()))[0]?.outcome).toBe('renewed')

    expect(ownerOf(registration())).not.toBe(before)
    await expect.poll(() => a.registry.renew([{ id: registration().id }], signal)).toEqual([registration().id])
    await sleep(100)
    expect(ownerOf(registration())).not.toBe(before)
    await eventually(a, { 'tm-1 1': 'listed' })
    await eventually(b, { 'tm-1 1': 'listed' })
  })

  it('gives way to a newer life that another replica registered, and refuses the older one', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, registration())
    await eventually(b, { 'tm-1 1': 'listed' })

    expect((await put(b, registration({ incarnation: '2', address: '10.0.0.9:1' })))[0]?.outcome).toBe('replaced')

    await eventually(a, { 'tm-1 2': 'listed' })
    await eventually(b, { 'tm-1 2': 'listed' })
    expect((await put(a, registration()))[0]?.outcome).toBe('conflict')
    await expect.poll(() => zookeeper.data.tree.has(pathOf(registration()))).toBe(false)
  })

  it('gives an address to the newer owner, at whichever replica', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, registration({ instance: 'old' }))
    await eventually(b, { 'old 1': 'listed' })

    await put(b, registration({ instance: 'new' }))

    await eventually(a, { 'new 1': 'listed' })
    await eventually(b, { 'new 1': 'listed' })
    await expect.poll(() => zookeeper.data.tree.has(pathOf(registration({ instance: 'old' })))).toBe(false)
    expect((await put(a, registration({ instance: 'old' })))[0]?.outcome).toBe('conflict')
    const [thief] = await put(a, registration({ namespace: 'fraud', instance: 'thief' }))
    expect(thief?.why).toContain('namespace "payments"')
  })

  it('does not take back what another replica took over while it was away', async () => {
    const [a, b] = [await start('a'), await start('b')]
    const moved = registration({ instance: 'moved', address: '10.0.0.8:1' })
    await put(a, registration(), moved)
    await a.stop()
    zookeeper.data.endSession(ownerOf(moved))
    await put(b, moved, registration({ instance: 'heir' }))
    const owner = ownerOf(moved)

    const again = await start('a')

    await eventually(again, { 'moved 1': 'listed', 'heir 1': 'listed' })
    await sleep(200)
    expect(ownerOf(moved)).toBe(owner)
    expect(zookeeper.data.tree.has(pathOf(registration()))).toBe(false)
    expect(await again.registry.renew([{ id: moved.id }, { id: registration().id }], signal)).toHaveLength(2)
  })

  it('lets a silent registrant linger and go at every replica', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, registration({ leaseSeconds: 5 }))
    await eventually(b, { 'tm-1 1': 'listed' })

    await eventually(a, { 'tm-1 1': 'lingering' })
    await eventually(b, { 'tm-1 1': 'lingering' })
    await eventually(a, {})
    await eventually(b, {})
  })
})
