import { expect, it } from 'vitest'
import { healthRoutes } from '../../src/http/health.ts'
import { landingRoute } from '../../src/http/landing.ts'
import { ask, textOf } from '../fakes/http.ts'

const waiting = healthRoutes(() => ({ ready: false, waitingFor: ['first cycle of Kafka cluster "main"'] }))
const ready = healthRoutes(() => ({ ready: true, waitingFor: [] }))

it.each(['/-/healthy', '/healthz'])('%s says ok even while the daemon waits', async (path) => {
  const response = await ask(waiting, path)

  expect([response.status, await textOf(response)]).toEqual([200, 'ok\n'])
})

it.each(['/-/ready', '/readyz'])('%s is 503 with the list of what is missing, then 200', async (path) => {
  const before = await ask(waiting, path)
  const after = await ask(ready, path)

  expect([before.status, JSON.parse(await textOf(before))]).toEqual([
    503,
    { ready: false, waiting_for: ['first cycle of Kafka cluster "main"'] },
  ])
  expect([after.status, JSON.parse(await textOf(after))]).toEqual([200, { ready: true, waiting_for: [] }])
})

it('/ has the landing page under a policy that runs no foreign script', async () => {
  const response = await ask(
    landingRoute(() => '<h1>Lagkeeper</h1>'),
    '/',
  )

  expect([response.status, await textOf(response)]).toEqual([200, '<h1>Lagkeeper</h1>'])
  expect(response.headers['Content-Security-Policy']).toContain("default-src 'none'; script-src 'self'")
  expect(response.headers['X-Content-Type-Options']).toBe('nosniff')
  expect(response.headers['Referrer-Policy']).toBe('no-referrer')
})
