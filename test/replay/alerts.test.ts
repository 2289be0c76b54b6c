import { describe, expect, it } from 'vitest'
import type { Consumer } from '../../src/model/consumer.ts'
import { createAlertReplay } from '../../src/replay/alerts.ts'
import type { FiringInput, FiringStep, Promtool } from '../../src/replay/promtool.ts'
import type { Rules } from '../../src/replay/rule-files.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { fakeSnapshot } from '../fakes/snapshot.ts'

const startedAt = Date.UTC(2026, 0, 15, 20)
const signal = new AbortController().signal

function rulesOf(expr: string): Rules {
  return {
    groups: [{ name: 'g', rules: [{ alert: 'A', expr }] }],
    leftOut: [],
    metrics: new Set(['stream_consumer_topic_records_lag', 'up']),
  }
}

/** An engine that says what a test says, and is asked what it was asked. */
function engine(answer: (input: FiringInput) => readonly FiringStep[]): Promtool & { readonly asked: FiringInput[] } {
  const asked: FiringInput[] = []
  return {
    version: '0',
    asked,
    firing: async (input) => {
      asked.push(input)
      return answer(input)
    },
  }
}

async function evening(rules: Rules, promtool: Promtool, minutes: readonly number[], consumers = ['g']) {
  const replay = createAlertReplay(rules, 60_000)
  for (const minute of minutes) {
    const rows = consumers.map((name) => {
      const consumer: Consumer = { name, kind: 'classic' }
      return { consumer, topic: 't', partition: 0, position: 5n, start: 0n, end: 9n }
    })
    await replay.take(fakeSnapshot(rows, { takenAtWall: startedAt + minute * 60_000 }))
  }
  return replay.evaluate(promtool, signal)
}

function firing(alert: string, ...steps: readonly number[]): readonly FiringStep[] {
  const labels = new Map([
    ['__name__', 'ALERTS'],
    ['alertname', alert],
    ['alertstate', 'firing'],
  ])
  return steps.map((step) => ({ step, labels }))
}

const at = (minute: number): number => startedAt + minute * 60_000

describe('alerts of a replay', () => {
  it('are one for as long as they fire, and another when they fire again', async () => {
    const promtool = engine(() => [...firing('B', 4), ...firing('A', 1, 2, 3, 5)])

    expect(await evening(rulesOf('up'), promtool, [0, 1, 2, 3, 4, 5])).toEqual({
      parts: 1,
      alerts: [
        {
          labels: new Map([['alertname', 'A']]),
          stretches: [
            { from: at(1), to: at(4) },
            { from: at(5), to: at(6) },
          ],
        },
        { labels: new Map([['alertname', 'B']]), stretches: [{ from: at(4), to: at(5) }] },
      ],
    })
  })

  it('see a scrape each step whatever the cycles jitter, and none where nothing was recorded', async () => {
    const promtool = engine(() => [])

    await evening(rulesOf('up'), promtool, [0, 1.1, 1.9, 3, 10, 11])

    const [{ series, from, steps, stepSeconds } = { series: [] }] = promtool.asked
    expect({ from, steps, stepSeconds }).toEqual({ from: 0, steps: 12, stepSeconds: 60 })
    expect(series.map(({ values }) => values)).toEqual(['1+0x6 0+0x2 1+0x1', '4+0x6 stale _x2 4+0x1'])
  })

  it('begin in the week where their rules look at a calendar', async () => {
    const promtool = engine(({ from }) => firing('A', from))

    const { alerts } = await evening(rulesOf('up and hour() > 8'), promtool, [0, 1])

    // 15 January 2026 is a Thursday, as the first day of promtool's time is.
    expect(promtool.asked[0]).toMatchObject({ from: 20 * 60, steps: 20 * 60 + 2 })
    expect(alerts[0]?.stretches).toEqual([{ from: at(0), to: at(1) }])
  })

  it('are asked for some consumers at a time where there are too many for the engine', async () => {
    const promtool = engine(({ series }) => {
      if (series.filter(({ consumer }) => consumer !== undefined).length > 2)
        throw new UnavailableError('query processing would load too many samples into memory in query execution')
      return firing('A', 1)
    })

    const { parts, alerts } = await evening(rulesOf('up'), promtool, [0, 1], ['a', 'b', 'c', 'd', 'e'])

    expect(parts).toBe(3)
    expect(alerts).toHaveLength(1)
    const shown = promtool.asked.map(({ series }) => series.flatMap(({ consumer }) => consumer ?? []))
    expect(shown[0]).toEqual(['a', 'b', 'c', 'd', 'e'])
    const given = shown.filter(({ length }) => length <= 2)
    expect(given.flat().sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
    // What is of no consumer goes with each part.
    expect(promtool.asked.every(({ series }) => series.some(({ series: name }) => name.startsWith('up{')))).toBe(true)
  })

  it('are not asked for over years', async () => {
    const minutes = [0, 2_000_000]

    await expect(
      evening(
        rulesOf('up'),
        engine(() => []),
        minutes,
      ),
    ).rejects.toThrow('expected at most 1000000')
  })

  it('are not guessed where the engine fails otherwise', async () => {
    const promtool = engine(() => {
      throw new UnavailableError('Evaluate rules with promtool: err: something else')
    })

    await expect(evening(rulesOf('up'), promtool, [0])).rejects.toThrow('something else')
  })
})
