import { randomBytes } from 'node:crypto'
import { createBell } from '../runtime/bell.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { together } from '../runtime/together.ts'
import { createZookeeper, creatorAcl, type EnsembleOptions, isIdentified, readableByAll } from '../zookeeper/client.ts'
import { isZookeeperError } from '../zookeeper/errors.ts'
import type { StateChange } from '../zookeeper/state.ts'
import { createDoubleWatch } from './double-watch.ts'
import { type Ensemble, lookAround, type Seats } from './look-around.ts'
import { encodeMember, type Member } from './member-document.ts'
import { winnerOf } from './rendezvous.ts'
import type { Replica, ReplicaOptions, Replicas } from './replicas.ts'
import { mayOwn, ownsKey, type Standing, stand, turnsInMs } from './standing.ts'

export interface ZookeeperReplicasOptions extends ReplicaOptions, EnsembleOptions {}

export interface ZookeeperReplicasDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** For tests. */
  readonly connect?: () => Ensemble
}

/** Below the chroot. */
const root = '/replicas'

/** From here on a session counts as lost, though the server keeps it for the other third. */
const heldShare = 2 / 3
const looksPerHold = 6
const longestSleepMs = 3_600_000

/**
 * Replicas that know each other through ZooKeeper. Each has an ephemeral there and looks at all of them several times
 * in a session's time-out; whoever has not been able to look for two thirds of it owns nothing. The session is not the
 * registry's: ten thousand registrations that are written must not delay a look.
 */
export function createZookeeperReplicas(options: ZookeeperReplicasOptions, deps: ZookeeperReplicasDeps): Replicas {
  const { id, version } = options
  const { clock } = deps
  const logger = deps.logger.child({ component: 'replicas' })
  const secret = randomBytes(24).toString('base64url')
  const startedAt = new Date(clock.wall()).toISOString()
  const bell = createBell()
  const double = createDoubleWatch(id, { clock, logger })
  let members: readonly Member[] = []
  let standing: Standing | undefined
  let running: AbortSignal | undefined
  let failures = 0
  let wake = new AbortController()
  let alarm = new AbortController()

  /** A stopped process says so first and leaves then. */
  function current(): Standing | undefined {
    return running === undefined || running.aborted ? undefined : standing
  }

  function turn(next: Standing | undefined): void {
    standing = next
    alarm.abort()
  }

  function takeMembers({ taken }: Seats): void {
    const found = [...taken.values()].flatMap(({ member }) => (member === undefined ? [] : [member]))
    if (nameAll(found) === nameAll(members)) return
    members = found
    const urls = found.map(({ url }) => url)
    logger.info({ replicas: urls }, 'Replicas changed')
    // As when all advertise the load balancer before them: a call to one would reach any.
    if (new Set(urls).size < urls.length) logger.warn({ replicas: urls }, 'Replicas advertise the same URL')
  }

  /** Looks, and takes a seat when we have none. True: look again at once. */
  async function step(zookeeper: Ensemble, signal: AbortSignal): Promise<boolean> {
    const session = zookeeper.session()
    if (zookeeper.state() !== 'connected' || session === undefined) return false
    const holdMs = session.timeoutMs * heldShare
    const seats = await lookAround(zookeeper, root, { signal, timeoutMs: holdMs, onChange: rouse }, clock)
    // It says nothing about a session that began meanwhile.
    if (signal.aborted || zookeeper.session()?.id !== session.id) return true
    takeMembers(seats)
    const own = seats.taken.get(id)
    if (own?.ephemeralOwner === session.id) {
      double.seated(session.id)
      const holds = Array.from(seats.taken, ([one, { member }]) => [one, { holdMs: member?.holdMs ?? holdMs }] as const)
      turn(stand(id, standing, { ...seats, members: new Map(holds), czxid: own.czxid }))
      return false
    }
    turn(undefined)
    const url = options.url()
    if (own !== undefined) double.met(own, session.timeoutMs)
    if (own !== undefined || url === undefined) return false
    await zookeeper.create(`${root}/${id}`, encodeMember({ id, url, version, startedAt, secret, holdMs }), {
      mode: 'ephemeral',
      signal,
      // Others need the secret, the world does not.
      ...(isIdentified(options) ? { acl: creatorAcl } : {}),
    })
    logger.info({ id, url }, 'Joined the replicas')
    return true
  }

  async function stepSafely(zookeeper: Ensemble, signal: AbortSignal): Promise<boolean> {
    try {
      const again = await step(zookeeper, signal)
      if (failures > 0) logger.info({}, 'Replicas are seen again')
      failures = 0
      return again
    } catch (error) {
      if (signal.aborted) return false
      if (isZookeeperError(error, 'NO_NODE')) return makeRoot(zookeeper, signal)
      if (failures === 0) logger.warn({ error: describeError(error) }, 'Replicas cannot be seen')
      failures++
      return false
    }
  }

  async function makeRoot(zookeeper: Ensemble, signal: AbortSignal): Promise<boolean> {
    try {
      await zookeeper.makeChroot({ signal })
      await zookeeper.makeDirectories(root, { signal })
      return true
    } catch (error) {
      if (!signal.aborted && failures === 0) logger.warn({ error: describeError(error) }, 'Replicas cannot join')
      failures++
      return false
    }
  }

  async function attend(zookeeper: Ensemble, signal: AbortSignal): Promise<void> {
    running = signal
    while (!signal.aborted) {
      wake = new AbortController()
      if (await stepSafely(zookeeper, signal)) continue
      if (signal.aborted) return
      const timeoutMs = zookeeper.session()?.timeoutMs ?? options.sessionTimeoutMs ?? 10_000
      await clock.sleep((timeoutMs * heldShare) / looksPerHold, wake.signal)
    }
  }

  function rouse(): void {
    wake.abort()
  }

  function onState({ state }: StateChange): void {
    if (state === 'expired') turn(undefined)
    rouse()
  }

  /** Rings when something is different, be it by a look or because its time has come. */
  async function tell(signal: AbortSignal): Promise<void> {
    let told = 'false '
    while (!signal.aborted) {
      alarm = new AbortController()
      const now = clock.monotonic()
      const isOwner = standing !== undefined && mayOwn(standing, now)
      const next = `${isOwner} ${nameAll(members)}`
      if (next !== told) bell.ring()
      told = next
      const ms = standing === undefined ? Number.POSITIVE_INFINITY : turnsInMs(standing, now)
      await clock.sleep(Math.min(ms, longestSleepMs), alarm.signal)
    }
  }

  return {
    name: 'replicas',
    self: id,
    run: async (signal) => {
      const zookeeper = deps.connect?.() ?? connect(options, deps)
      const stopListening = zookeeper.onState(onState)
      const onAbort = (): void => {
        rouse()
        alarm.abort()
      }
      try {
        await together(signal, [
          zookeeper.run,
          async (both) => {
            both.addEventListener('abort', onAbort, { once: true })
            await Promise.all([attend(zookeeper, both), tell(both)])
          },
        ])
      } finally {
        stopListening()
        running = undefined
        standing = undefined
        members = []
        bell.ring()
      }
    },
    owns: (key) => {
      const now = current()
      return now !== undefined && ownsKey(now, key, clock.monotonic())
    },
    owner: (key) => {
      const now = current()
      if (now === undefined || clock.monotonic() >= now.ownsUntil) return undefined
      const winner = winnerOf(key, now.look.members.keys())
      return members.flatMap((one) => (one.id === winner ? [publicly(one)] : []))[0]
    },
    members: () => members.map(publicly),
    secretOf: (of) => (of === id ? secret : members.find((one) => one.id === of)?.secret),
    changes: (signal) => bell.listen(signal),
  }
}

/** The directories are made as the registry makes them. */
function connect(options: ZookeeperReplicasOptions, deps: ZookeeperReplicasDeps): Ensemble {
  return createZookeeper({ ...readableByAll(options), name: 'replicas' }, deps)
}

function publicly({ id, url, version, startedAt }: Member): Replica {
  return { id, url, version, startedAt }
}

/** Another life of the same replica has another secret; it is compared, not shown. */
function nameAll(members: readonly Member[]): string {
  return members.map(({ id, url, secret }) => `${id} ${url} ${secret}`).join('\n')
}
