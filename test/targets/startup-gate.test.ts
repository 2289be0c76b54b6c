import { expect, it } from 'vitest'
import { type Startup, startupGate } from '../../src/targets/startup-gate.ts'

const whole = [{ name: 'registry', hasView: true, isWhole: true }]
const partial = [{ name: 'registry', hasView: true, isWhole: false }]
const blind = [{ name: 'registry', hasView: false, isWhole: false }]
const looking = [{ name: 'yarn', hasLooked: false }]
const looked = [{ name: 'yarn', hasLooked: true }]

const cases: readonly [string, Partial<Startup>, string | undefined][] = [
  ['opens at once with a registry that was read whole', { sources: whole }, undefined],
  ['opens at once with one, whatever the discoverers do', { sources: whole, discoverers: looking }, undefined],
  ['waits for the first view', { sources: blind }, 'first view of registry'],
  ['waits for the first view however long', { sources: blind, now: 1e9 }, 'first view of registry'],
  ['waits a lease for registrants that may come back', { sources: partial }, 'registrants to come back'],
  [
    'waits while they come one after the other',
    { sources: partial, now: 8_000, grewAt: 5_500 },
    'registrants to come back',
  ],
  ['opens when no other has come for three seconds', { sources: partial, now: 8_000, grewAt: 5_000 }, undefined],
  [
    'waits for the first look even then',
    { sources: partial, discoverers: looking, now: 8_000, grewAt: 5_000 },
    'first look of yarn',
  ],
  ['waits no longer than a lease', { sources: partial, now: 31_000 }, undefined],
  ['does not wait in the demo', { sources: partial, mayReturn: false }, undefined],
  ['waits for the first look', { sources: partial, discoverers: looking }, 'first look of yarn'],
  ['waits for it in the demo too', { sources: partial, discoverers: looking, mayReturn: false }, 'first look of yarn'],
  ['opens once everybody has looked', { sources: partial, discoverers: looked }, undefined],
  ['waits for the last of them', { sources: partial, discoverers: [...looked, ...looking] }, 'first look of yarn'],
  ['gives up on a discoverer after a lease', { sources: partial, discoverers: looking, now: 31_000 }, undefined],
]

it.each(cases)('%s', (_, startup, waitingFor) => {
  const gate = startupGate({
    now: 2_000,
    startedAt: 1_000,
    leaseMs: 30_000,
    sources: whole,
    discoverers: [],
    mayReturn: true,
    ...startup,
  })

  expect(gate.isOpen ? undefined : gate.waitingFor).toBe(waitingFor)
  if (!gate.isOpen) expect(gate.retryAfterSeconds).toBeGreaterThan(0)
})
