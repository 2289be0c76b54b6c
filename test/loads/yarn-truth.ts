import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Recording } from '../rigs/flink-recording.ts'
import type { FlinkApplication } from '../rigs/yarn-flink.ts'
import type { RecordingMoments } from './recording-moments.ts'
import type { ConsumerRow, DaemonView } from './yarn-world.ts'

/** For a page, a cycle, and a look at the jobs between them, on a busy machine. */
const shownWithinMs = 40_000

/** How long after now `isSo` held for the first time, in milliseconds; looked at ten times a second. */
export async function timeUntil(what: string, withinMs: number, isSo: () => Promise<boolean>): Promise<number> {
  const since = performance.now()
  for (;;) {
    const isNow = await isSo().catch(() => false)
    const ms = performance.now() - since
    if (isNow) return ms
    if (ms > withinMs) throw new Error(`Wait for ${what}: not so after ${withinMs} ms`)
    await sleep(100)
  }
}

/** One line for who wants to know the figures. */
export function tell(text: string): void {
  if (process.env['VERBOSE'] !== undefined) process.stdout.write(`${text}\n`)
}

/** Every process of these applications is a target at its own address, and nothing else is. */
export async function listsAllThatRuns(
  daemon: DaemonView,
  applications: readonly FlinkApplication[],
): Promise<boolean> {
  const listed = (await daemon.targets()).map(
    ({ labels, instance, address }) =>
      `${labels['__meta_lagkeeper_application_id']} ${instance} ${address.slice(address.lastIndexOf(':') + 1)}`,
  )
  const running = await Promise.all(
    applications.map(async ({ id: application, containers }) =>
      (await containers()).map(
        ({ id, role, reporterPort }) => `${application} ${role === 'jobManager' ? 'jobmanager' : id} ${reporterPort}`,
      ),
    ),
  )
  return listed.toSorted().join() === running.flat().toSorted().join()
}

/** The job stands still; waits until the daemon says so, and holds every column against the truth. */
export async function compareWithTruth(
  daemon: DaemonView,
  of: {
    readonly moment: string
    readonly consumer: string
    readonly topic: string
    readonly recording: Recording
    readonly moments: RecordingMoments
  },
): Promise<void> {
  const { moment, consumer, topic, recording, moments } = of
  const recorded = await recording.positions()
  const { ends } = await moments.oracle()
  const expected = ends.map(({ partition, end }) => {
    const next = recorded.find((row) => row.partition === partition)?.next
    if (next === undefined) throw new Error(`Look at "${topic}": nothing was read of partition ${partition} yet`)
    const numbers = { position: Number(next), log_end_offset: Number(end), records_lag: Number(end - next) }
    return { consumer, topic, partition, ...numbers }
  })
  let rows: readonly ConsumerRow[] = []
  const isShown = async () => {
    rows = await daemon.rows(consumer)
    return rows.length === expected.length && rows.every((row, at) => isAs(row, expected[at]))
  }
  await timeUntil(moment, shownWithinMs, isShown).catch(() => undefined)
  expect(rows, moment).toMatchObject(expected)
  // Nothing moved meanwhile, so that it was the truth all the time.
  expect((await recording.positions()).map(({ next }) => next)).toEqual(recorded.map(({ next }) => next))
}

function isAs(row: ConsumerRow, expected: ConsumerRow | undefined): boolean {
  return (
    row.position === expected?.position &&
    row.records_lag === expected?.records_lag &&
    row.log_end_offset === expected?.log_end_offset &&
    row.reason === expected?.reason
  )
}
