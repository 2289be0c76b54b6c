import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runDaemon } from '../../src/app/daemon.ts'
import { effectiveConfig, parseFlags } from '../../src/app/flags.ts'
import { encodeMember as encodeReplica } from '../../src/replicas/member-document.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { encodeMember } from '../../src/targets/member-document.ts'
import { memberPath } from '../../src/targets/member-name.ts'
import { type RunningClient, runClient } from '../contract/zookeeper-world.ts'
import { listenOnLoopback } from '../fakes/listen.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'
import { registration } from '../targets/samples.ts'

/** The other replica is played by the test: a znode, and a server that takes what is sent on to it. */
const [ours, theirs] = ['a'.repeat(16), 'b'.repeat(16)]
const clusters = Array.from({ length: 8 }, (_, index) => `kafka-${index}`)
/** By their hashes. */
const shareOfOurs = ['kafka-1', 'kafka-6', 'kafka-7']

const stop = new AbortController()
const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-sharing-'))
let server: FakeZookeeper
let other: RunningClient
let url = ''
let done = Promise.resolve()

beforeAll(async () => {
  server = await startFakeZookeeper()
  other = runClient({ connect: `${server.connect}/lagkeeper`, sessionTimeoutMs: 60_000 })
  const file = join(folder, 'lagkeeper.yaml')
  const kafka = clusters.map((name) => `{ name: ${name}, bootstrap: "127.0.0.1:1" }`)
  writeFileSync(join(folder, 'replica.id'), ours)
  writeFileSync(
    file,
    `zookeeper: { connect: "${server.connect}/lagkeeper", session_timeout: 2s }
storage: { path: "${folder}" }
replicas: { share_kafka: true }
interval: 1s
kafka: [ ${kafka.join(', ')} ]
`,
  )
  const flags = parseFlags([`--config.file=${file}`, '--web.listen-address=127.0.0.1:0'])
  url = await new Promise<string>((resolve, reject) => {
    done = runDaemon(
      {
        clock: systemClock,
        logger: silentLogger,
        version: 'test',
        read: () => effectiveConfig(flags, {}),
        onListening: ({ port }) => resolve(`http://127.0.0.1:${port}`),
      },
      stop.signal,
    )
    done.catch(reject)
  })
})
afterAll(async () => {
  stop.abort()
  await done
  await other.stop()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Clusters that the daemon's own metrics, and its readiness, speak of. */
async function spokenOf(): Promise<{ readonly metrics: readonly string[]; readonly waitingFor: readonly string[] }> {
  const page = await (await fetch(`${url}/metrics/self`)).text()
  const found = page.matchAll(/^lagkeeper_source_up\{source="kafka",name="([^"]+)"\}/gm)
  const ready = await (await fetch(`${url}/-/ready`)).text()
  return {
    metrics: Array.from(found, ([, name = '']) => name).sort(),
    waitingFor: clusters.filter((name) => ready.includes(name)),
  }
}

const eventually = <T>(what: () => Promise<T>) => expect.poll(what, { timeout: 15_000, interval: 20 })

async function joinAt(peerUrl: string): Promise<void> {
  const document = encodeReplica({
    id: theirs,
    url: peerUrl,
    version: '1',
    startedAt: '',
    secret: 's3cret',
    holdMs: 100,
  })
  await other.zookeeper.create(`/replicas/${theirs}`, document, { mode: 'ephemeral' })
}

it('reads every cluster when it is alone, and stops to speak of those that another replica has', async () => {
  await eventually(spokenOf).toEqual({ metrics: clusters, waitingFor: clusters })

  await joinAt('http://127.0.0.1:1')
  await eventually(spokenOf).toEqual({ metrics: shareOfOurs, waitingFor: shareOfOurs })
  // Configured, though not read here.
  expect((await fetch(`${url}/metrics?kafka_cluster=kafka-0`)).status).toBe(200)

  await other.zookeeper.delete(`/replicas/${theirs}`)
  await eventually(spokenOf).toEqual({ metrics: clusters, waitingFor: clusters })
})

it('sends a heartbeat on to the replica that says to have the registration', async () => {
  const asked: { readonly authorization: string | undefined; readonly body: string }[] = []
  const peer = await listenOnLoopback(
    createServer(async (incoming, outgoing) => {
      let body = ''
      for await (const chunk of incoming) body += String(chunk)
      asked.push({ authorization: incoming.headers.authorization, body })
      outgoing.end('{"received":1,"unknown":[]}')
    }),
  )
  const theirOwn = registration({ address: '10.9.8.7:1234' })
  const path = `/targets/${memberPath(theirOwn, theirOwn.incarnation)}`
  await other.zookeeper.makeDirectories(path.slice(0, path.lastIndexOf('/')))
  await other.zookeeper.create(path, Buffer.from(encodeMember(theirOwn, 'ALIVE', { holder: theirs })), {
    mode: 'ephemeral',
  })
  const beat = async () =>
    (
      await fetch(`${url}/v1/registrations/${theirOwn.id}/heartbeat?incarnation=${theirOwn.incarnation}`, {
        method: 'POST',
      })
    ).status

  await eventually(async () => (await fetch(`${url}/v1/registrations/${theirOwn.id}`)).status).toBe(200)
  expect(await beat()).toBe(404)
  await joinAt(peer.url)
  await eventually(beat).toBe(204)

  expect(asked.at(-1)).toEqual({
    authorization: 'Bearer s3cret',
    body: JSON.stringify([{ id: theirOwn.id, incarnation: theirOwn.incarnation }]),
  })
  await other.zookeeper.delete(`/replicas/${theirs}`)
  await eventually(beat).toBe(404)
  await peer.close()
})
