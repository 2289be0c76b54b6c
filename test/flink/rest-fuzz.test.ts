import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createFlinkRest } from '../../src/flink/flink-rest.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { captures, replay, startRest } from './rest-fake.ts'

/** The value with what is at one of its places replaced; `at` chooses the place. */
function spoiled(value: unknown, at: () => number, by: unknown): unknown {
  if (typeof value !== 'object' || value === null || at() < 0.15) return by
  const keys = Object.keys(value)
  const chosen = keys[Math.floor(at() * keys.length)]
  if (Array.isArray(value)) return value.map((one, index) => (String(index) === chosen ? spoiled(one, at, by) : one))
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, key === chosen ? spoiled(one, at, by) : one]),
  )
}

it('whatever stands in an answer, a look ends with jobs or says that it cannot be read', async () => {
  const recorded = captures().filter(({ moment }) => moment.startsWith('02'))
  const isTrouble = (error: unknown): true => {
    expect(error).toBeInstanceOf(UnavailableError)
    return true
  }
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...recorded),
      fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.jsonValue()), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      async (capture, changes, places) => {
        const answers = { ...capture.answers }
        const paths = Object.keys(answers)
        const at = (): number => places.next().value
        for (const [where, by] of changes) {
          const path = paths[Math.floor(where * paths.length)] ?? ''
          const answer = answers[path]
          if (answer !== undefined) answers[path] = { ...answer, body: spoiled(answer.body, at, by) }
        }
        await using server = await startRest(replay({ ...capture, answers }))
        const rest = createFlinkRest({ url: server.url }, { clock: systemClock, logger: silentLogger })
        const signal = new AbortController().signal
        const look = await rest.look({ flinkCluster: 'dev' }, signal).catch(isTrouble)
        for (const job of look === true ? [] : look.jobs) {
          expect(job.id).toMatch(/^[0-9a-f]{32}$/i)
          expect(Number.isFinite(job.startedAt)).toBe(true)
          for (const { backPressure = 0 } of job.vertices) expect(backPressure >= 0 && backPressure <= 1).toBe(true)
        }
        for (const { id } of look === true ? [] : look.taskManagers)
          await rest.reporterPort(id, signal).catch(isTrouble)
        rest.close()
      },
    ),
    { numRuns: 60 },
  )
}, 120_000)
