import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { FlinkPage, PageReading } from '../../src/flink/flink-page.ts'
import {
  createPagePoller,
  type PagePlace,
  type PagePoller,
  type PagePollerDeps,
  type PagePollerOptions,
} from '../../src/flink/page-poller.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { listenOnLoopback } from '../fakes/listen.ts'

const source = 'flink_taskmanager_job_task_operator_KafkaSourceReader_topic_partition_currentOffset'
const load = 'flink_taskmanager_Status_JVM_CPU_Load'

function pageOf(tmId: string, offset: number): string {
  const labels = `tm_id="${tmId}",job_id="j",operator_id="o",subtask_index="0",task_attempt_num="0",topic="t",partition="0",`
  return `${load}{tm_id="${tmId}",} 0.1\n# TYPE ${source} gauge\n${source}{${labels}} ${offset}.0\n${`other{tm_id="${tmId}",} 1\n`.repeat(50)}`
}

/** As simpleclient does it. */
function filtered(page: string, names: readonly string[]): string {
  const lines = page.split('\n').filter((line) => names.some((name) => line.includes(`${name}{`)))
  return names.length === 0 ? page : `${lines.join('\n')}\n`
}

interface Reporter extends AsyncDisposable {
  tmId: string
  readonly address: string
  /** The queries it got. */
  readonly asked: string[]
  answer: (request: IncomingMessage, response: ServerResponse) => void
}

async function startReporter(tmId: string): Promise<Reporter> {
  let offset = 0
  const server = createServer((request, response) => {
    reporter.asked.push(new URL(request.url ?? '', 'http://x').search)
    reporter.answer(request, response)
  })
  const { url, close } = await listenOnLoopback(server)
  const reporter: Reporter = {
    tmId,
    address: new URL(url).host,
    asked: [],
    answer: (request, response) => {
      const names = new URL(request.url ?? '', 'http://x').searchParams.getAll('name[]')
      response.end(filtered(pageOf(reporter.tmId, offset++), names))
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await close()
    },
  }
  return reporter
}

function placeOf(id: string, { address, tmId }: Pick<Reporter, 'address' | 'tmId'>): PagePlace {
  return { id, flinkCluster: 'prod', address, tmId }
}

interface Running extends AsyncDisposable {
  readonly poller: PagePoller
  readonly seen: (readonly [PageReading, boolean])[]
}

function start(
  options: Partial<PagePollerOptions> = {},
  check: (reading: PageReading) => void = () => undefined,
  more: Pick<PagePollerDeps, 'waitsFor'> = {},
): Running {
  const seen: (readonly [PageReading, boolean])[] = []
  const onPage = (reading: PageReading, isNews: boolean) => {
    check(reading)
    seen.push([reading, isNews])
  }
  const poller = createPagePoller({ intervalMs: 60_000, ...options }, { ...more, clock: systemClock, onPage })
  const stop = new AbortController()
  const running = poller.run(stop.signal)
  return {
    poller,
    seen,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

/** For however long a busy machine takes. */
function eventually<T>(read: () => T) {
  return expect.poll(read, { timeout: 10_000, interval: 2 })
}

describe('createPagePoller()', () => {
  it('reads a new reporter at once, and says that it is the first page', async () => {
    await using reporter = await startReporter('tm-1')
    await using running = start()
    const from = systemClock.monotonic()

    running.poller.want([placeOf('a', reporter)])
    await eventually(() => running.seen).toHaveLength(1)

    expect(systemClock.monotonic() - from).toBeLessThan(1_000)
    const reading = running.poller.pages().get('a')
    expect(running.seen).toEqual([[reading, true]])
    expect(reading).toMatchObject({
      id: 'a',
      flinkCluster: 'prod',
      url: `http://${reporter.address}/metrics`,
      page: { tmId: 'tm-1', partitions: [{ topic: 't', partition: 0, current: 0 }] },
    })
    expect(reading!.sentAt).toBeGreaterThanOrEqual(from)
    expect(reading!.takenAt).toBeGreaterThan(reading!.sentAt)
    expect(running.poller.failures().size).toBe(0)
  })

  it('reads again every interval, of families only once it has seen that nothing is missing then', async () => {
    await using reporter = await startReporter('tm-1')
    await using running = start({ intervalMs: 50 })
    running.poller.want([placeOf('a', reporter)])

    await eventually(() => running.seen.length).toBeGreaterThan(4)

    expect(reporter.asked.map((query) => query !== '').slice(0, 5)).toEqual([false, true, true, true, true])
    expect(new Set(reporter.asked.slice(1)).size).toBe(1)
    expect(reporter.asked[1]).toContain(`name%5B%5D=${source}`)
    expect(running.seen.map(([, isFirst]) => isFirst).slice(0, 3)).toEqual([true, false, false])
  })

  it.each<[string, (reporter: Reporter, names: readonly string[]) => string]>([
    ['lacks a partition', ({ tmId }, names) => (names.length === 0 ? pageOf(tmId, 5) : `${load}{tm_id="${tmId}"} 1\n`)],
    ['is empty', ({ tmId }, names) => (names.length === 0 ? pageOf(tmId, 5) : '')],
  ])('goes on with whole pages where the answer for families %s', async (_, answer) => {
    await using reporter = await startReporter('tm-1')
    reporter.answer = (request, response) =>
      void response.end(answer(reporter, new URL(request.url ?? '', 'http://x').searchParams.getAll('name[]')))
    await using running = start({ intervalMs: 50 })
    running.poller.want([placeOf('a', reporter)])

    await eventually(() => running.seen.length).toBeGreaterThan(3)

    expect(reporter.asked.filter((query) => query !== '')).toHaveLength(1)
    for (const [{ page }] of running.seen) expect(page.partitions).toMatchObject([{ current: 5 }])
  })

  it('reads the whole page in the same turn when families are suddenly answered with nothing', async () => {
    await using reporter = await startReporter('tm-1')
    await using running = start({ intervalMs: 50 })
    running.poller.want([placeOf('a', reporter)])
    await eventually(() => reporter.asked.length).toBeGreaterThan(2)
    const { answer } = reporter

    reporter.answer = (request, response) =>
      request.url?.includes('name') ? void response.writeHead(400).end() : answer(request, response)
    const count = running.seen.length
    await eventually(() => running.seen.length).toBeGreaterThan(count + 3)

    expect(running.poller.failures().size).toBe(0)
    expect(reporter.asked.slice(-2)).toEqual(['', ''])
  })

  it('never gives out a page of another process, and forgets the old one when it sees it: 50 replacements', async () => {
    await using reporter = await startReporter('tm-0')
    let place = placeOf('a', reporter)
    let wrong = 0
    await using running = start({ intervalMs: 20 }, ({ page }) => {
      if (page.tmId !== place.tmId) wrong++
    })
    const { poller, seen } = running
    poller.want([place])
    await eventually(() => poller.pages().size).toBe(1)

    for (let turn = 1; turn <= 50; turn++) {
      reporter.tmId = `tm-${turn}`
      await eventually(() => poller.failures().get('a')?.kind).toBe('other_process')
      expect(poller.pages().size).toBe(0)
      expect(poller.failures().get('a')?.why).toBe(`its page is of "tm-${turn}", expected "${place.tmId}"`)
      seen.splice(0)
      place = placeOf('a', reporter)
      poller.want([place])
      await eventually(() => poller.pages().get('a')?.page.tmId).toBe(`tm-${turn}`)
      expect(seen[0]?.[1]).toBe(true)
    }
    expect(wrong).toBe(0)
  })

  it('drops what was under way for a process when another is wanted in its place', async () => {
    await using reporter = await startReporter('tm-1')
    let finish: () => void = () => undefined
    reporter.answer = (_, response) => {
      finish = () => void response.end(pageOf('tm-1', 1))
    }
    await using running = start()
    running.poller.want([placeOf('a', reporter)])
    await eventually(() => reporter.asked.length).toBe(1)

    running.poller.want([placeOf('a', { ...reporter, tmId: 'tm-2' })])
    finish()
    await eventually(() => reporter.asked.length).toBe(2)
    finish()

    await eventually(() => running.poller.failures().get('a')?.kind).toBe('other_process')
    expect(running.seen).toEqual([])
  })

  it('keeps the last page when a reporter is not to be read, with the failure beside it until it is', async () => {
    await using reporter = await startReporter('tm-1')
    await using running = start({ intervalMs: 50 })
    running.poller.want([placeOf('a', reporter)])
    await eventually(() => running.poller.pages().size).toBe(1)
    const { answer } = reporter

    reporter.answer = (_, response) => void response.writeHead(500).end()
    await expect
      .poll(() => running.poller.failures().get('a'))
      .toMatchObject({
        id: 'a',
        flinkCluster: 'prod',
        url: `http://${reporter.address}/metrics`,
        kind: 'failed',
        why: 'it answers 500',
      })
    expect(running.poller.pages().size).toBe(1)
    reporter.answer = answer

    await eventually(() => running.poller.failures().size).toBe(0)
  })

  it('forgets what is not wanted any more, with its page', async () => {
    await using one = await startReporter('tm-1')
    await using other = await startReporter('tm-2')
    await using running = start()
    running.poller.want([placeOf('a', one), placeOf('b', other)])
    await eventually(() => running.poller.pages().size).toBe(2)
    const earlier = running.poller.pages()

    running.poller.want([placeOf('b', other)])

    expect([...running.poller.pages().keys()]).toEqual(['b'])
    expect(earlier.size).toBe(2)
  })

  it('does not let those that hang hold up the others', async () => {
    const hanging = await Promise.all(Array.from({ length: 20 }, (_, index) => startReporter(`hung-${index}`)))
    const good = await Promise.all(Array.from({ length: 20 }, (_, index) => startReporter(`good-${index}`)))
    let open = 0
    let mostOpen = 0
    for (const reporter of hanging)
      reporter.answer = (request) => {
        open++
        mostOpen = Math.max(mostOpen, open)
        request.socket.once('close', () => open--)
      }
    // As many as there is room for, until it is known how they are.
    await using running = start({ intervalMs: 400, deadlineMs: 200, mostAtOnce: 20, mostDoubtful: 2 })
    try {
      running.poller.want([...hanging, ...good].map((reporter) => placeOf(reporter.tmId, reporter)))
      await eventually(() => running.poller.failures().size).toBe(20)
      await eventually(() => open).toBeLessThan(3)
      mostOpen = 0
      const read = new Map<string, number>()
      running.seen.splice(0)
      await eventually(() => {
        for (const [{ id }] of running.seen.splice(0)) read.set(id, (read.get(id) ?? 0) + 1)
        return Math.min(...good.map(({ tmId }) => read.get(tmId) ?? 0))
      }).toBeGreaterThanOrEqual(3)

      expect(read.size).toBe(20)
      expect(mostOpen).toBeGreaterThan(0)
      expect(mostOpen).toBeLessThanOrEqual(2)
      for (const { kind } of running.poller.failures().values()) expect(kind).toBe('timeout')
    } finally {
      for (const reporter of [...hanging, ...good]) await reporter[Symbol.asyncDispose]()
    }
  })

  it('reads a page soon again that does not say what it will, and tells when it does', async () => {
    await using reporter = await startReporter('tm-1')
    const waitsFor = ({ partitions: [first] }: FlinkPage) => ((first?.current ?? 0) < 2 ? 'more' : '')
    await using running = start({}, undefined, { waitsFor })
    running.poller.want([placeOf('a', reporter)])
    await eventually(() => running.seen.length).toBe(1)
    const from = systemClock.monotonic()

    await eventually(() => running.seen.length).toBe(2)
    expect(systemClock.monotonic() - from).toBeGreaterThan(800)
    await sleep(1_500)

    expect(running.seen.map(([{ page }, isNews]) => [page.partitions[0]?.current, isNews])).toEqual([
      [0, true],
      [2, true],
    ])
  })

  it('reads a page less and less often that never says it, whether it answers or not', async () => {
    await using reporter = await startReporter('tm-1')
    await using silent = await startReporter('tm-2')
    await using running = start({}, undefined, { waitsFor: () => 'more' })
    running.poller.want([placeOf('a', reporter), placeOf('b', silent)])
    await eventually(() => running.seen.length).toBe(2)
    silent.answer = (_, response) => void response.writeHead(503).end()
    const asked = silent.asked.length
    await sleep(3_800)

    const seen = running.seen.filter(([{ id }]) => id === 'a')
    expect(seen.map(([, isNews]) => isNews)).toEqual([true, false, false])
    // Two requests for each: the families, and then the whole page.
    expect(silent.asked.length - asked).toBeLessThanOrEqual(5)
  })

  it('has closed its sockets when it has settled, and begins anew when it runs again', async () => {
    await using reporter = await startReporter('tm-1')
    let open = 0
    reporter.answer = (request) => {
      open++
      request.socket.once('close', () => open--)
    }
    const poller = createPagePoller({ intervalMs: 60_000 }, { clock: systemClock })
    poller.want([placeOf('a', reporter)])
    for (let life = 1; life <= 2; life++) {
      const stop = new AbortController()
      const running = poller.run(stop.signal)
      await eventually(() => open).toBe(1)

      stop.abort()
      await running

      await eventually(() => open).toBe(0)
      expect(reporter.asked).toHaveLength(life)
    }
  })

  it('ends with the error of a listener that throws', async () => {
    await using reporter = await startReporter('tm-1')
    const bug = new Error('bug')
    const onPage = () => {
      throw bug
    }
    const poller = createPagePoller({ intervalMs: 60_000 }, { clock: systemClock, onPage })
    poller.want([placeOf('a', reporter)])

    await expect(poller.run(new AbortController().signal)).rejects.toBe(bug)
  })
})
