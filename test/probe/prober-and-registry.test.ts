import { createServer } from 'node:http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createProber } from '../../src/probe/prober.ts'
import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { listenOnLoopback } from '../fakes/listen.ts'
import { registration } from '../targets/samples.ts'

const signal = AbortSignal.timeout(600_000)
const stop = { now: new AbortController() }
let clock: FakeClock
let registry: Registry
let done: Promise<void>
let page: Awaited<ReturnType<typeof listenOnLoopback>>
let process: string
let address: string

beforeEach(async () => {
  clock = fakeClock()
  process = 'tm-1'
  page = await listenOnLoopback(createServer((_, response) => response.end(`flink_x{tm_id="${process}",} 1\n`)))
  address = page.url.slice('http://'.length)
  const prober = createProber({ mostPerSecond: Number.POSITIVE_INFINITY }, { clock, guard: () => undefined })
  registry = createEmbeddedRegistry({ storagePath: undefined }, { clock, logger: silentLogger, probe: prober.probe })
  stop.now = new AbortController()
  done = registry.run(stop.now.signal)
  await expect.poll(() => registry.view()).toBeDefined()
  await registry.put([registration({ address })], signal)
  await clock.advance(3_000)
  await expect.poll(() => registry.explain(id)?.probe?.learnt).toBe('tm_id=tm-1')
})
afterEach(async () => {
  stop.now.abort()
  await done
  await page.close()
})

const { id } = registration()
const states = () => registry.view()?.targets.map(({ state }) => state)

it('keeps a silent target whose page still comes from the process that registered', async () => {
  await clock.advance(28_000)
  await expect.poll(() => registry.explain(id)?.probe?.why).toBe('its page still says "tm_id=tm-1"')
  await expect.poll(() => registry.explain(id)?.leaseLeftMs).toBeGreaterThan(20_000)
  expect(states()).toEqual(['listed'])
})

it('lets a silent target go whose port another process has', async () => {
  process = 'tm-2'

  await clock.advance(28_000)
  await expect.poll(() => registry.explain(id)?.probe?.verdict).toBe('other')
  await clock.advance(2_000)

  await expect.poll(states).toEqual([])
})

it('gives an address to another namespace once nobody listens there any more', async () => {
  const thief = registration({ namespace: 'fraud', address })
  expect((await registry.put([thief], signal))[0]?.outcome).toBe('conflict')

  await page.close()

  expect((await registry.put([thief], signal))[0]?.outcome).toBe('created')
  expect(registry.find(id)).toBeUndefined()
})
