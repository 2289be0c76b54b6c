import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { type AllowedLag, watchLags } from '../faults/lag-oracle.ts'

const allowed = new Map<string, AllowedLag>([
  ['billing/orders/0', { least: 5n, most: 7n }],
  ['billing/orders/1', { least: 10n, most: 10n }],
  ['billing/orders/2', 'none'],
])
const lag = (partition: number, value: string, consumer = 'billing') =>
  `stream_consumer_records_lag{consumer="${consumer}",topic="orders",partition="${partition}"} ${value}\n`
const topicSum = (value: number) => `stream_consumer_topic_records_lag{consumer="billing",topic="orders"} ${value}\n`
const totalSum = (value: number) => `stream_consumer_total_records_lag{consumer="billing"} ${value}\n`

async function judge(page: string): Promise<string> {
  const server = createServer((_, response) => response.end(page))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`
    const { wrong, scrapes } = await watchLags({ url, allowed: () => allowed, heldForMs: 1_000 }).stop()
    expect(scrapes).toBeGreaterThan(0)
    return wrong.join('; ')
  } finally {
    server.close()
  }
}

it.each([
  ['what is right', lag(0, '5') + lag(1, '10') + topicSum(15) + totalSum(17), ''],
  ['what is not printed', '', ''],
  ['a lag that it never had', lag(0, '8'), 'billing/orders/0: not its lag'],
  ['a lag where there is none', lag(2, '0'), 'billing/orders/2: not its lag'],
  ['a negative lag', lag(0, '-1'), 'no whole number'],
  ['no number', lag(0, 'NaN'), 'no whole number'],
  ['a consumer that nobody knows', lag(0, '5', 'ghost'), 'ghost/orders/0: nobody reads it'],
  ['a sum of a topic that is too small', topicSum(14), 'sum of billing/orders: understated'],
  ['a sum of a consumer that is too small', totalSum(14), 'sum of billing: understated'],
])('the oracle of lags judges %s', async (_, page, verdict) => {
  const found = await judge(page)
  if (verdict === '') expect(found).toBe('')
  else expect(found).toContain(verdict)
})
