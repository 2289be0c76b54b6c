import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../src/runtime/clock.ts'
import { silentLogger } from '../src/runtime/logger.ts'
import { createZookeeper, type Zookeeper } from '../src/zookeeper/client.ts'
import { startTcpProxy } from '../test/fakes/tcp-proxy.ts'
import { startZookeeper } from '../test/rigs/zookeeper.ts'
import { type Figure, report } from './report.ts'
import { MEMBER_BYTES, machineMs, type ReaderOrder, type Sighting, type Step } from './zookeeper-reader.ts'

const DIRECTORIES = 50
const MEMBERS = 1_000
const SESSIONS = 8
const CHANGES = 500
const CHANGES_A_SECOND = 50
const ROOT = '/targets'
const PEER = 'node-zookeeper-client'
const MODERN = '3.9.5'
/** Without recursive watch and multiRead. */
const OLD = '3.4.14'

/** Fifty thousand members of many reporters on one real server, read and followed by processes that do nothing else. */
export async function run(): Promise<boolean> {
  const kept: boolean[] = []
  for (const version of [MODERN, OLD]) kept.push(await measure(version))
  return kept.every(Boolean)
}

async function measure(version: string): Promise<boolean> {
  await using rig = await startZookeeper({ version, heap: '512m' })
  const stop = new AbortController()
  const running: Promise<void>[] = []
  try {
    const owners = Array.from({ length: SESSIONS }, () => {
      // Nobody says good-bye: 50,000 members would go one by one.
      const options = { connect: rig.connect, sessionTimeoutMs: 20_000, keepsSession: true }
      const zookeeper = createZookeeper(options, { clock: systemClock, logger: silentLogger })
      running.push(zookeeper.run(AbortSignal.any([stop.signal])))
      return zookeeper
    })
    const paths = await fill(owners)
    await using proxy = await startTcpProxy(rig.servers[0]?.port ?? 0)

    // The server's code is warm for neither or for both.
    await using peer = await startReader('peer', rig.connect)
    const peerFirst = await peer.step('read')
    const peerChanges = await follow(peer, owners, paths)
    await peer.stop()
    await using ours = await startReader('ours', `127.0.0.1:${proxy.port}`)
    const first = await ours.step('read')
    const changes = await follow(ours, owners, paths)
    const resync = await ours.step('resync', () => proxy.cut())

    const isModern = version === MODERN
    const wrong = Math.max(...[first, resync].map(({ members }) => Math.abs(paths.length - members)))
    const besidePeer = (measured: number) => ({ peer: { name: PEER, measured } })
    const delay = (share: number, limit?: number): Figure => ({
      what: `write sent to reader told, p${share * 100} of ${changes.delays.length} at ${CHANGES_A_SECOND}/s`,
      measured: percentile(changes.delays, share),
      unit: 'ms',
      ...(limit !== undefined && { limit }),
      ...besidePeer(percentile(peerChanges.delays, share)),
    })
    const block = (what: string, step: Step, peerStep?: Step): Figure => ({
      what: `longest step, ${what} (with that queue ${Math.round(step.longestBlockMs)} ms)`,
      measured: step.longestOwnBlockMs,
      unit: 'ms',
      limit: 50,
      ...(peerStep !== undefined && besidePeer(peerStep.longestOwnBlockMs)),
    })
    const figures: readonly Figure[] = [
      { what: 'members that are missing or wrong', measured: wrong, unit: '', limit: 0.5 },
      {
        what: `first complete view (${Math.round(first.queuedMs)} ms in the queue for a processor)`,
        measured: first.ms,
        unit: 'ms',
        limit: isModern ? 1_000 : 15_000,
        ...besidePeer(peerFirst.ms),
      },
      {
        what: `complete again after a cut (${Math.round(resync.queuedMs)} ms in that queue)`,
        measured: resync.ms,
        unit: 'ms',
        limit: isModern ? 2_000 : 20_000,
      },
      delay(0.5),
      delay(0.99, 500),
      {
        what: 'peak RSS of the process, all of this together',
        measured: resync.peakRssMb,
        unit: 'MB',
        ...(isModern && { limit: 250 }),
        ...besidePeer(peerChanges.step.peakRssMb),
      },
      block('first view', first, peerFirst),
      block('resync', resync),
      block('changes', changes.step, peerChanges.step),
    ]
    const title = `Real ZooKeeper ${version}: ${paths.length} ephemerals of ${MEMBER_BYTES} B in ${DIRECTORIES} directories`
    return report(title, figures) && changes.delays.length === CHANGES
  } finally {
    // The server first: the end of the sessions is of no interest any more.
    await rig.stop()
    stop.abort()
    await Promise.all(running)
  }
}

/** Ephemerals of several sessions, each with less than 512 kB of paths (ZOOKEEPER-4306). */
async function fill(owners: readonly Zookeeper[]): Promise<readonly string[]> {
  const [first] = owners
  await first?.makeDirectories(ROOT)
  const all: string[] = []
  for (let directory = 0; directory < DIRECTORIES; directory++) {
    const owner = owners[directory % owners.length]
    const parent = `${ROOT}/application_${String(directory).padStart(4, '0')}`
    await owner?.create(parent, Buffer.alloc(0))
    const paths = Array.from({ length: MEMBERS }, (_, index) => `${parent}/member_${String(index).padStart(24, '0')}`)
    for (let from = 0; from < paths.length; from += 500)
      await owner?.multi(
        paths.slice(from, from + 500).map((path) => ({
          type: 'create',
          path,
          data: Buffer.alloc(MEMBER_BYTES, 'x'),
          mode: 'ephemeral',
        })),
      )
    all.push(...paths)
  }
  return all
}

interface Reader extends AsyncDisposable {
  step(order: ReaderOrder, whenReady?: () => void): Promise<Step>
  order(order: ReaderOrder): void
  readonly sightings: ReadonlyMap<number, number>
  stop(): Promise<void>
}

async function startReader(kind: 'ours' | 'peer', connect: string): Promise<Reader> {
  const file = fileURLToPath(new URL('./zookeeper-reader.ts', import.meta.url))
  const child = fork(file, [kind, connect, ROOT], { execArgv: ['--import', 'tsx'] })
  const sightings = new Map<number, number>()
  child.on('message', (message: Sighting | Step) => {
    if (message.kind === 'sighting' && !sightings.has(message.mark)) sightings.set(message.mark, message.atMs)
  })
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || !child.connected) return
    const exited = once(child, 'exit')
    child.send('stop')
    await exited
  }
  await messageOf(child, 'ready')
  return {
    sightings,
    order: (order) => child.send(order),
    step: async (order, whenReady) => {
      const done = messageOf(child, 'step')
      const ready = whenReady === undefined ? undefined : messageOf(child, 'ready')
      child.send(order)
      if (ready !== undefined) await ready
      whenReady?.()
      return done
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function messageOf(child: ChildProcess, kind: 'step' | 'ready'): Promise<Step> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`The reader ended before it was "${kind}"`))
    const onMessage = (message: Step): void => {
      if (message.kind !== kind) return
      child.off('message', onMessage)
      child.off('exit', onExit)
      resolve(message)
    }
    child.on('message', onMessage)
    child.once('exit', onExit)
  })
}

/** Writes at a steady rate, over all directories, and waits until everything has been seen. */
async function follow(reader: Reader, owners: readonly Zookeeper[], paths: readonly string[]) {
  const sent = new Map<number, number>()
  const firstMark = 1 + Math.floor(Math.random() * 1e6)
  reader.order('follow')
  const startedAt = performance.now()
  const writes: Promise<unknown>[] = []
  for (let index = 0; index < CHANGES; index++) {
    await sleep(Math.max(0, startedAt + (index * 1_000) / CHANGES_A_SECOND - performance.now()))
    const path = paths[(index * 7_919) % paths.length] ?? ''
    const mark = firstMark + index
    const owner = owners[index % owners.length]
    sent.set(mark, machineMs())
    if (owner !== undefined) writes.push(owner.setData(path, Buffer.alloc(MEMBER_BYTES, `${mark}.`)))
  }
  await Promise.all(writes)
  const isAllSeen = (): boolean => [...sent.keys()].every((mark) => reader.sightings.has(mark))
  for (const givenUpAt = performance.now() + 10_000; !isAllSeen() && performance.now() < givenUpAt; ) await sleep(20)
  const step = await reader.step('follow')
  const delays = [...sent].flatMap(([mark, at]) => {
    const seenAt = reader.sightings.get(mark)
    return seenAt === undefined ? [] : [seenAt - at]
  })
  return { step, delays: delays.toSorted((a, b) => a - b) }
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
