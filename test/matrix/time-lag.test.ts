import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareTimeLags } from '../contract/time-lag.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

const INTERVAL_MS = 2_000
const SAMPLES = 10_000

/** Old and new: look-ups by time have changed versions seven times. */
describe.each(['0.11.0.3', '2.8.2', '4.3.1'])('time lag against known times of arrival, on Kafka %s', (version) => {
  let kafka: KafkaRig
  let rig: RigClient
  let compared: Awaited<ReturnType<typeof compareTimeLags>>

  beforeAll(async () => {
    kafka = await startKafka({ version, properties: { 'log.cleaner.backoff.ms': '500' } })
    rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
    compared = await compareTimeLags({
      bootstrap: kafka.bootstrap,
      commitMany: rig.commitMany,
      partitions: 3,
      groups: 12,
      headStartMs: 20_000,
      cycles: 60,
      intervalMs: INTERVAL_MS,
    })
    print(version, compared)
  }, 600_000)
  afterAll(async () => {
    await rig?.stop()
    await kafka?.stop()
  })

  it(`holds the truth of ${SAMPLES} samples within what it states`, () => {
    const { results } = compared
    expect(results.flatMap(({ wrong }) => wrong)).toEqual([])
    const known = results.filter(({ source }) => source !== 'unknown')
    expect(known.reduce((sum, { samples }) => sum + samples, 0)).toBeGreaterThan(SAMPLES)
  })

  it('states an interval and a second at most by the history, and a second where the record itself was told, at the median', () => {
    const byHistory = compared.results.filter(({ source }) => source === 'log_ends')
    expect(median(byHistory.flatMap(({ uncertainties }) => uncertainties))).toBeLessThanOrEqual(INTERVAL_MS / 1_000 + 1)
    const steady = compared.results.find(({ shape, source }) => shape === 'steady' && source === 'timestamps')
    expect(median(steady?.uncertainties ?? [])).toBeLessThanOrEqual(1)
  })
})

function print(version: string, { results, peers }: Awaited<ReturnType<typeof compareTimeLags>>): void {
  const lines = [
    `Kafka ${version}: time lag against known times of arrival`,
    ...results.map(
      ({ shape, source, samples, wrong, uncertainties, errors }) =>
        `  ${shape.padEnd(14)} ${source.padEnd(11)} ${String(samples).padStart(6)} samples, ${wrong.length} wrong, ± ${shown(uncertainties)} s, off by ${shown(errors)} s`,
    ),
    ...peers.map(
      ({ peer, shape, errors, missing }) =>
        `  ${shape.padEnd(14)} ${peer}: off by ${shown(errors)} s at the median, ${errors.length === 0 ? 'no number' : `${Math.max(...errors).toFixed(1)} s at most`}, ${missing} without a number`,
    ),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

function shown(numbers: readonly number[]): string {
  return numbers.length === 0 ? '-' : median(numbers).toFixed(2)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.POSITIVE_INFINITY
}
