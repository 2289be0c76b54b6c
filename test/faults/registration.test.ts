import { createServer } from 'node:http'
import { expect } from 'vitest'
import { listenOnLoopback } from '../fakes/listen.ts'
import { startTcpProxy } from '../fakes/tcp-proxy.ts'
import { countingListener } from './counting-listener.ts'
import { forbiddenAddresses, hostileTexts } from './hostile-values.ts'
import { changingHosts } from './hosts-file.ts'
import { pour, rawClient } from './raw.ts'
import { addressOf, ids, json, partsOf, pathOf } from './registrants.ts'
import { fault, runFaults } from './runner.ts'
import { bearer, tokens, tokenWorld } from './tokens.ts'
import { eventually, injected } from './waiting.ts'
import type { World } from './world.ts'

/** Registers one body and says what it was answered. */
async function statusOf(world: World, id: string, more: Readonly<Record<string, unknown>>): Promise<number> {
  return (await world.put(id, more)).status
}

async function statusOfText(world: World, path: string, body: string): Promise<number> {
  world.oracle.uncertain('faults/text/worker/1')
  const { status } = await world.ask(path, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body })
  return status
}

const one = pathOf('faults/text/worker/1')

runFaults('R', [
  fault({
    id: 'R01',
    title: 'a burst of 100,000 targets from one team is stopped at its quota and harms nobody else',
    world: tokenWorld,
    inject: async (world) => {
      const statuses = new Map<number, number>()
      for (let from = 0; from < 100_000; from += 5_000) {
        const items = ids('teama/burst/worker', 5_000).map((id, index) => {
          const number = from + index
          const instance = String(number)
          world.oracle.uncertain(`teama/burst/worker/${instance}`)
          const address = `10.50.${(number >> 8) & 255}.${number & 255}:${9_000 + (number >> 16)}`
          return { ...partsOf(id), instance, address, incarnation: '1', lease_seconds: 3_600 }
        })
        const { status } = await world.ask('/v1/registrations', json('PUT', items, bearer(tokens.teamA)))
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
      return statuses
    },
    expect: async (world, statuses) => {
      expect(statuses.get(429) ?? 0).toBeGreaterThanOrEqual(18)
      const listed = [...(await world.listed())]
      expect(listed.filter((id) => id.startsWith('teama/')).length).toBeLessThanOrEqual(tokens.quota)
      const other = await world.put('teamb/quiet/worker/1', {}, bearer(tokens.teamB))
      expect(other.status).toBe(200)
    },
  }),
  fault({
    id: 'R02',
    title: 'a caller who asks thousands of times a second gets 429 with Retry-After, and no other caller does',
    world: tokenWorld,
    inject: async (world) => {
      const request = `POST ${pathOf('teama/fast/worker/1')}/heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tokens.teamA}\r\nContent-Length: 0\r\n\r\n`
      const began = performance.now()
      const client = await rawClient(world.port)
      let answers: readonly number[] = []
      while (answers.length < 5_000) {
        const sent = answers.length + 80
        client.socket.write(request.repeat(80))
        answers = await eventually(
          `${sent} answers`,
          10_000,
          async () => {
            const heads = [...client.received().matchAll(/HTTP\/1\.1 (\d{3}) /g)]
            return heads.length === sent ? heads.map(([, status]) => Number(status)) : undefined
          },
          5,
        )
      }
      const perSecond = answers.length / ((performance.now() - began) / 1_000)
      injected(perSecond > 5 * tokens.perSecond, `only ${Math.round(perSecond)} requests a second`)
      const retryAfter = /^retry-after: (.*)$/im.exec(client.received())?.[1]
      client.close()
      const other = await world.put('teamb/quiet/worker/2', {}, bearer(tokens.teamB))
      return { answers, retryAfter, other: other.status }
    },
    expect: async (_world, { answers, retryAfter, other }) => {
      expect(answers.filter((status) => status === 429).length).toBeGreaterThan(answers.length / 3)
      expect(retryAfter).toMatch(/^[1-9]\d*\r?$/)
      expect(other).toBe(200)
    },
  }),
  fault({
    id: 'R03',
    title: 'a body of 100 MB is refused with 413 and not read',
    inject: async (world) => {
      const head = (path: string) => `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
      const piece = Buffer.alloc(64 * 1_024, ' ')
      const chunk = Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')])
      const outcomes = []
      for (const [path, framing, bytes] of [
        [one, 'Content-Length: 104857600\r\n\r\n', piece],
        [one, 'Transfer-Encoding: chunked\r\n\r\n', chunk],
        ['/v1/registrations', 'Content-Length: 104857600\r\n\r\n', piece],
        ['/v1/registrations', 'Transfer-Encoding: chunked\r\n\r\n', chunk],
      ] as const) {
        const client = await rawClient(world.port, head(path) + framing)
        const sent = await pour(client.socket, bytes, 100 * 1_024 * 1_024, () => client.received() !== '')
        outcomes.push({ status: await client.status(5_000), sent })
        client.close()
      }
      injected(
        outcomes.every(({ sent }) => sent > 0),
        'nothing was sent',
      )
      return outcomes
    },
    expect: async (_world, outcomes) => {
      expect(outcomes.map(({ status }) => status)).toEqual([413, 413, 413, 413])
      // What the buffers of two sockets hold comes on top of the limits of 64 KiB and 8 MiB.
      for (const { sent } of outcomes) expect(sent).toBeLessThan(24 * 1_024 * 1_024)
    },
  }),
  fault({
    id: 'R04',
    title: 'JSON nested 100,000 deep is refused',
    inject: async (world) => {
      const deep = '['.repeat(100_000) + ']'.repeat(100_000)
      const shallow = '['.repeat(30_000) + ']'.repeat(30_000)
      return [
        await statusOfText(world, '/v1/registrations', deep),
        await statusOfText(world, '/v1/registrations', `[{"labels":${deep}}]`),
        await statusOfText(world, '/v1/registrations', `[${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}]`),
        await statusOfText(world, one, `{"address":"10.1.1.1:9250","incarnation":"1","labels":${shallow}}`),
        await statusOfText(world, one, shallow),
      ]
    },
    expect: async (_world, statuses) => {
      for (const status of statuses) expect([400, 413, 422]).toContain(status)
    },
  }),
  fault({
    id: 'R05',
    title: 'hundreds of thousands of keys, also ones that collide, are refused without a stall',
    inject: async (world) => {
      const keys = (count: number, name: (index: number) => string) =>
        `{${Array.from({ length: count }, (_, index) => `"${name(index)}":1`).join()}}`
      // Array indices of V8 share few hash bits: 2^25 apart they fell into one bucket before the fix of CVE-2026-21717.
      const colliding = (index: number): string => String(index * 1_024)
      return [
        await statusOfText(world, '/v1/registrations', `[${keys(600_000, (index) => index.toString(36))}]`),
        await statusOfText(world, '/v1/registrations', `[${keys(400_000, colliding)}]`),
        await statusOfText(
          world,
          '/v1/registrations',
          keys(600_000, (index) => index.toString(36)),
        ),
        await statusOfText(world, one, keys(5_000, colliding)),
      ]
    },
    expect: async (_world, statuses) => {
      for (const status of statuses) expect([400, 413, 422]).toContain(status)
    },
  }),
  fault({
    id: 'R06',
    title: '__proto__ and constructor as keys change nothing but the answer',
    inject: async (world) =>
      Promise.all(
        [
          '{"address":"10.1.1.1:9250","incarnation":"1","__proto__":{"scheme":"https","polluted":"yes"}}',
          '{"address":"10.1.1.1:9250","incarnation":"1","constructor":{"prototype":{"polluted":"yes"}}}',
          '{"address":"10.1.1.1:9250","incarnation":"1","labels":{"__proto__":{"polluted":"yes"}}}',
          '{"__proto__":{"address":"10.1.1.1:9250","incarnation":"1"}}',
          '{"address":"10.1.1.1:9250","incarnation":"1","params":{"__proto__":"x"}}',
        ].map((body) => statusOfText(world, one, body)),
      ),
    expect: async (world, statuses) => {
      expect(statuses).toEqual([422, 422, 422, 422, 422])
      expect(await statusOfText(world, pathOf('__proto__/x/worker/1'), '{}')).toBe(422)
      const clean = await world.put('faults/clean/worker/1')
      expect(clean.text).not.toContain('polluted')
      expect(JSON.parse(clean.text).registration.scheme).toBe('http')
    },
  }),
  fault({
    id: 'R07',
    title: 'a key given twice counts with its last value, and only that one is checked and kept',
    inject: async (world) => {
      const body = (addresses: string) => `{${addresses},"incarnation":"1","lease_seconds":3600}`
      const twice = (first: string, last: string) => body(`"address":"${first}","address":"${last}"`)
      const bad = await statusOfText(world, one, twice('10.1.1.1:9250', '169.254.169.254:80'))
      const id = 'faults/twice/worker/1'
      world.oracle.uncertain(id)
      const good = await world.ask(pathOf(id), {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json' },
        body: twice('169.254.169.254:80', '10.1.1.2:9250'),
      })
      return { bad, good }
    },
    expect: async (_world, { bad, good }) => {
      expect(bad).toBe(422)
      expect([good.status, JSON.parse(good.text).registration.address]).toEqual([200, '10.1.1.2:9250'])
    },
  }),
  fault({
    id: 'R08',
    title: "labels that steer the scraper, and namespaces and ports that are not the caller's, are refused",
    world: tokenWorld,
    inject: async (world) => {
      const names = ['__address__', '__scheme__', '__metrics_path__', '__param_x', '__scrape_interval__', '__x']
      const steering = []
      for (const name of [...names, 'job', 'instance', 'owner'])
        steering.push(await statusOf(world, 'faults/labels/worker/1', { labels: { [name]: 'x' } }))
      const spoofed = await world.put('teamb/stolen/worker/1', {}, bearer(tokens.teamA))
      const port = await world.put('teama/stolen/worker/1', { address: '10.1.1.1:22' }, bearer(tokens.teamA))
      return { steering, spoofed: spoofed.status, port: port.status }
    },
    expect: async (world, { steering, spoofed, port }) => {
      expect(new Set(steering)).toEqual(new Set([422]))
      expect(spoofed).toBe(403)
      expect([403, 422]).toContain(port)
      expect([...(await world.listed())].filter((id) => /labels|stolen/.test(id))).toEqual([])
    },
  }),
  fault({
    id: 'R09',
    title: 'label names and values that break pages, logs or Prometheus are refused, and all others come out whole',
    inject: async (world) => {
      const outcomes = []
      for (const { what, labels, isFine } of hostileTexts) {
        const answer = await world.put('faults/texts/worker/1', { labels })
        outcomes.push({ what, isFine, status: answer.status, labels })
        if (isFine && answer.status === 200) {
          const kept: unknown = JSON.parse(answer.text).registration.labels
          outcomes.push({ what: `${what} is kept as it came`, isFine, status: Number(answer.status), labels: kept })
          expect(kept).toEqual(labels)
        }
      }
      const bytes = Buffer.concat([
        Buffer.from('{"address":"10.1.1.1:9250","incarnation":"1","labels":{"a":"'),
        Buffer.from([0xc3, 0x28, 0xff]),
        Buffer.from('"}}'),
      ])
      const headers = { 'Content-Type': 'application/json' }
      const invalid = await world.ask(one, { method: 'PUT', headers, body: bytes })
      return { outcomes, invalid: invalid.status }
    },
    expect: async (_world, { outcomes, invalid }) => {
      for (const { what, isFine, status } of outcomes) expect(isFine ? [200] : [400, 413, 422], what).toContain(status)
      expect([400, 422]).toContain(invalid)
    },
    heal: async (world) => void (await world.withdraw('faults/texts/worker/1')),
  }),
  fault({
    id: 'R10',
    title: 'forbidden addresses are refused in every form, and nothing of ours ever connects to one',
    inject: async (world) => {
      await using listener = await countingListener()
      const taken: string[] = []
      for (const address of forbiddenAddresses(listener.port)) {
        const { status } = await world.put('faults/ssrf/worker/1', { address })
        if (status < 400 || status > 499) taken.push(`${address}: ${status}`)
      }
      return { taken, connections: listener.connections() }
    },
    expect: async (world, { taken, connections }) => {
      expect(taken).toEqual([])
      expect(connections).toBe(0)
      expect((await world.listed()).has('faults/ssrf/worker/1')).toBe(false)
    },
  }),
  fault({
    id: 'R11',
    title: 'a name that turns to a forbidden address after the check is still scraped at the checked one',
    world: changingHosts.world,
    arrange: async () => changingHosts.write('10.20.30.40'),
    inject: async (world) => {
      const first = await world.put('faults/rebind/worker/1', { address: `${changingHosts.name}:9250` })
      injected(first.status === 200, 'the name was not accepted at first')
      await changingHosts.write('169.254.169.254')
      const meaning = await changingHosts.resolve(world)
      injected(meaning.includes('169.254.169.254'), `the name means ${meaning}`)
    },
    expect: async (world) => {
      const text = await eventually('the target to be listed', 5_000, async () => {
        const answer = await world.ask('/sd/v1/targets')
        return answer.text.includes('"10.20.30.40:9250"') ? answer.text : undefined
      })
      expect(text).toContain('"10.20.30.40:9250"')
      expect(text).not.toContain('169.254')
      expect((await world.heartbeat('faults/rebind/worker/1')).status).toBe(204)
    },
    heal: async () => changingHosts.write('10.20.30.40'),
  }),
  fault({
    id: 'R12',
    title: 'of two owners of one address the newer wins within a namespace, and another namespace gets 409',
    inject: async (world) => {
      // Its process answers: of an address in the network nobody knows who might.
      const page = await listenOnLoopback(createServer((_, response) => response.end('up 1\n')))
      const address = new URL(page.url).host
      const first = await world.put('faults/owned/worker/1', { address })
      const stranger = await world.put('others/owned/worker/1', { address })
      world.oracle.leaving('faults/owned/worker/1')
      const newer = await world.put('faults/owned/worker/2', { address })
      return { outcome: { first: first.status, stranger: stranger.status, newer: newer.status }, page }
    },
    heal: async (_, { page }) => page.close(),
    expect: async (world, { outcome }) => {
      expect(outcome).toEqual({ first: 200, stranger: 409, newer: 200 })
      const listed = await eventually('the newer owner to be listed alone', 5_000, async () => {
        const all = [...(await world.listed())].filter((id) => id.includes('/owned/'))
        return all.length === 1 && all[0] === 'faults/owned/worker/2' ? all : undefined
      })
      expect(listed).toHaveLength(1)
      expect((await world.heartbeat('faults/owned/worker/1')).status).toBe(404)
    },
  }),
  fault({
    id: 'R13',
    title: 'a request whose answer was lost can be repeated, and counts once',
    inject: async (world) => {
      await using proxy = await startTcpProxy(world.port)
      const id = 'faults/replayed/worker/1'
      const body = JSON.stringify({ address: addressOf(id), incarnation: '7', lease_seconds: 3_600 })
      const head = `PUT ${pathOf(id)} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
      world.oracle.uncertain(id)
      proxy.swallowAnswers()
      const client = await rawClient(proxy.port, head + body)
      await eventually('the lost request to take effect', 5_000, async () => (await world.listed()).has(id))
      proxy.cut()
      injected(client.received() === '', 'the answer was not lost')
      const again = [await world.put(id, { incarnation: '7' }), await world.put(id, { incarnation: '7' })]
      return again.map(({ status, text }) => ({ status, outcome: JSON.parse(text).outcome }))
    },
    expect: async (world, again) => {
      const renewed = { status: 200, outcome: 'renewed' }
      expect(again).toEqual([renewed, renewed])
      expect([...(await world.listed())].filter((id) => id.includes('/replayed/'))).toHaveLength(1)
    },
  }),
  fault({
    id: 'R14',
    title: 'a body that comes at one byte a second is answered 408 within ten seconds or so',
    inject: async (world) => {
      const head = `PUT ${one} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n`
      const began = performance.now()
      const client = await rawClient(world.port, head)
      const timer = setInterval(() => client.socket.write(' '), 1_000)
      try {
        const status = await client.status(40_000)
        const afterMs = performance.now() - began
        injected(client.socket.bytesWritten > head.length + 3, 'no byte of the body was sent')
        return { status, afterMs, closed: await client.closes(2_000) }
      } finally {
        clearInterval(timer)
        client.close()
      }
    },
    expect: async (_world, { status, afterMs, closed }) => {
      expect([status, closed]).toEqual([408, true])
      expect(afterMs).toBeLessThan(12_000)
    },
  }),
])
