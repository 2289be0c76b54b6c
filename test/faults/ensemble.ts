import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { memberPath } from '../../src/targets/member-name.ts'
import type { Zookeeper } from '../../src/zookeeper/client.ts'
import type { SessionCredentials } from '../../src/zookeeper/state.ts'
import { runClient, until } from '../contract/zookeeper-world.ts'
import type { ZookeeperRig } from '../rigs/zookeeper.ts'
import { partsOf } from './registrants.ts'
import { eventually } from './waiting.ts'
import type { World, WorldOptions } from './world.ts'

export const sessionMs = 6_000
/** What is noticed is noticed within two thirds of a session; then another server is found. */
export const noticedMs = (sessionMs * 2) / 3 + 3_000

let places = 0

/** A daemon under a path of its own in the ensemble; `connect` names servers, or proxies before them. */
export function onZookeeper(connect: () => string, more: WorldOptions = {}): () => WorldOptions {
  return () => ({
    ...more,
    yaml: () => `zookeeper: { connect: "${connect()}/faults-${process.pid}-${++places}", session_timeout: 6s }`,
  })
}

/** The connect string that a daemon was given. */
export async function connectOf(world: World): Promise<string> {
  return /connect: "([^"]+)"/.exec(await readFile(world.configFile, 'utf8'))?.[1] ?? ''
}

export function chrootOf(connect: string): string {
  return connect.slice(connect.indexOf('/'))
}

/** Runs `work` with a client of our own on the daemon's path; `servers` when the daemon reaches them by other ways. */
export async function asSecondClient<T>(
  world: World,
  servers: string,
  work: (zookeeper: Zookeeper) => Promise<T>,
): Promise<T> {
  const client = runClient({ connect: servers + chrootOf(await connectOf(world)), sessionTimeoutMs: 10_000 })
  try {
    return await work(client.zookeeper)
  } finally {
    await client.stop()
  }
}

/** The sessions that the daemon has. */
async function sessionsOf(world: World): Promise<readonly SessionCredentials[]> {
  const { sessions } = JSON.parse(await readFile(join(world.storage, 'zookeeper.session'), 'utf8'))
  return sessions.map((one: { id: string; password: string; timeoutMs: number }) => ({
    id: BigInt(one.id),
    password: Buffer.from(one.password, 'base64'),
    timeoutMs: one.timeoutMs,
  }))
}

/** Ends the sessions of the daemon as its owner could: what they hold is gone at once. */
export async function endSessions(world: World, servers: string): Promise<number> {
  const sessions = await eventually('the session to be saved', 10_000, async () => {
    const all = await sessionsOf(world)
    return all.length > 0 ? all : undefined
  })
  for (const savedSession of sessions) {
    const client = runClient({ connect: servers, savedSession, sessionTimeoutMs: savedSession.timeoutMs })
    await until('the session to be taken over', () => client.zookeeper.state() === 'connected')
    await client.stop()
  }
  return sessions.length
}

/** Who owns the ephemeral of a registration; undefined when there is none. */
export async function ownerOf(zookeeper: Zookeeper, id: string): Promise<bigint | undefined> {
  return (await zookeeper.exists(`/targets/${memberPath(partsOf(id), '1')}`))?.ephemeralOwner
}

/** Which of the servers the daemon is connected to. */
export async function serverOf(world: World, rig: ZookeeperRig): Promise<number> {
  return eventually('the daemon to be connected', 15_000, async () => {
    const [session] = await sessionsOf(world)
    const wanted = `sid=0x${BigInt.asUintN(64, session?.id ?? 0n).toString(16)},`
    for (const [index, server] of rig.servers.entries()) {
      if (server.pid === undefined) continue
      const said = await server.fourLetter('cons').catch(() => '')
      if (said.includes(wanted)) return { index }
    }
    return undefined
  }).then(({ index }) => index)
}

export async function leaderOf(rig: ZookeeperRig): Promise<number> {
  return eventually('a leader', 15_000, async () => {
    for (const [index, server] of rig.servers.entries())
      if (/^Mode: leader/m.test(await server.fourLetter('srvr').catch(() => ''))) return { index }
    return undefined
  }).then(({ index }) => index)
}

/** Starts what was killed and lets run what was stopped; resolves when there is a leader. */
export async function healEnsemble(rig: ZookeeperRig): Promise<void> {
  await Promise.all(
    rig.servers.map(async (server) => {
      server.resume()
      if (server.pid === undefined) await server.restart()
    }),
  )
  await leaderOf(rig)
}

/** How long until a registration is taken again. */
export async function writableAfter(world: World, ms: number): Promise<number> {
  const began = performance.now()
  await eventually('a registration to be taken', ms, async () => {
    const { status } = await world.put(`faults/writable/worker/${Math.floor(Math.random() * 10)}`)
    return status === 200
  })
  return Math.round(performance.now() - began)
}

/** Tries to register for a while; only the statuses are of interest, the oracle holds us to every 2xx. */
export async function putsFor(world: World, ms: number): Promise<ReadonlySet<number>> {
  const statuses = new Set<number>()
  const until = performance.now() + ms
  for (let index = 0; performance.now() < until; index++) {
    statuses.add((await world.put(`faults/tried/worker/${index % 20}`)).status)
    await sleep(100)
  }
  return statuses
}
