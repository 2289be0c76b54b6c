import { hostname } from 'node:os'
import { expect, it } from 'vitest'
import { z } from 'zod'
import {
  advertisedUrl,
  createHolderOf,
  createKafkaShare,
  createPresence,
  watchReplicas,
} from '../../src/app/replicas.ts'
import { advertiseUrl, replicasSchema, sharingNeedsZookeeper } from '../../src/app/replicas-schema.ts'
import { replicas } from '../../src/replicas/index.ts'
import type { Replica, Replicas } from '../../src/replicas/replicas.ts'
import { createBell } from '../../src/runtime/bell.ts'
import { systemClock } from '../../src/runtime/clock.ts'

const member = (id: string): Replica => ({ id, url: `http://${id}`, version: '1', startedAt: '' })
const among: Replicas = {
  ...replicas.alone({ id: 'self', version: '1', url: () => undefined }, { clock: systemClock }),
  members: () => [member('self'), member('other'), member('shy')],
  secretOf: (id) => (id === 'shy' ? undefined : `secret of ${id}`),
  owns: (key) => key === 'kafka/mine',
}

it('finds the replica that has a registration, when it is another one and can be called', () => {
  const holders: Readonly<Record<string, string>> = { x: 'other', mine: 'self', shy: 'shy', gone: 'left' }
  const holderOf = createHolderOf((id) => holders[id], among)

  expect(holderOf('x')).toEqual({ id: 'other', url: 'http://other', secret: 'secret of other' })
  expect(['mine', 'shy', 'gone', 'nobody'].map(holderOf)).toEqual([undefined, undefined, undefined, undefined])
})

it('knows who lives only while it is seen itself', () => {
  const presence = createPresence(among)
  const unseen = createPresence({ ...among, members: () => [member('other')] })

  expect(['self', 'other', 'left'].map(presence.isPresent)).toEqual([true, true, false])
  expect(['self', 'other', 'left'].map(unseen.isPresent)).toEqual([undefined, undefined, undefined])
})

it('reads all Kafka clusters, or those that are owned when they are shared', () => {
  expect(['mine', 'theirs'].map(createKafkaShare(false, among))).toEqual([true, true])
  expect(['mine', 'theirs'].map(createKafkaShare(true, among))).toEqual([true, false])
})

it('calls back at its start and at every change until it stops', async () => {
  const bell = createBell()
  const stop = new AbortController()
  let calls = 0
  let called: () => void = () => undefined
  const nextCall = () => new Promise<void>((resolve) => (called = resolve))
  const first = nextCall()
  const done = watchReplicas({ changes: (signal) => bell.listen(signal) }, () => {
    calls++
    called()
  }).run(stop.signal)
  await first

  const second = nextCall()
  bell.ring()
  await second
  stop.abort()
  await done

  expect(calls).toBe(2)
})

it.each([
  [{ port: 0 }, 'http', undefined],
  [{ host: '10.0.0.1', port: 80 }, 'http', 'http://10.0.0.1:80'],
  [{ host: '2001:db8::1', port: 443 }, 'https', 'https://[2001:db8::1]:443'],
  [{ port: 10_390 }, 'http', `http://${hostname()}:10390`],
  [{ host: '0.0.0.0', port: 10_390 }, 'http', `http://${hostname()}:10390`],
  [{ host: '::', port: 10_390 }, 'https', `https://${hostname()}:10390`],
] as const)('is reached at the address that it listens on: %o', (listening, scheme, url) => {
  expect(advertisedUrl(listening, scheme)).toBe(url)
})

it('takes a URL to advertise without anything behind its path, and without a slash at its end', () => {
  const schema = advertiseUrl()
  expect(schema.parse('https://lagkeeper-1:10390/')).toBe('https://lagkeeper-1:10390')
  expect(schema.parse('http://[::1]:1/prefix/')).toBe('http://[::1]:1/prefix')
  for (const wrong of [
    'lagkeeper-1:10390',
    'ftp://a',
    'http://user:word@a',
    'http://a/?x=1',
    'http://a/#x',
    '',
    'http://',
  ])
    expect(schema.safeParse(wrong).success, wrong).toBe(false)
})

it('shares Kafka clusters only beside a ZooKeeper', () => {
  const schema = z
    .object({ replicas: replicasSchema.prefault({}), zookeeper: z.object({}).optional() })
    .superRefine(sharingNeedsZookeeper)

  expect(schema.safeParse({ replicas: { share_kafka: true } }).error?.issues[0]?.path).toEqual([
    'replicas',
    'share_kafka',
  ])
  expect(schema.safeParse({ replicas: { share_kafka: true }, zookeeper: {} }).success).toBe(true)
  expect(schema.parse({})).toEqual({ replicas: { share_kafka: false } })
})
