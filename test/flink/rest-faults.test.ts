import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpsServer } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { createFlinkRest, type FlinkRest, type FlinkRestOptions } from '../../src/flink/flink-rest.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createAuthority } from '../fakes/certificates.ts'
import { listenOnLoopback } from '../fakes/listen.ts'
import { type Answering, handled, jobDetail, jobId, sendJson, smallCluster, startRest, vertexId } from './rest-fake.ts'

const of = { flinkCluster: 'dev' }
const never = new AbortController().signal
const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

function restOf(url: string, options: Partial<FlinkRestOptions> = {}): FlinkRest {
  const rest = createFlinkRest({ url, timeoutMs: 1_000, ...options }, { clock: systemClock, logger: silentLogger })
  open.push(rest.close)
  return rest
}

/** What a look at a peer throws that answers so to `/jobs/overview`. */
async function refused(answer: Answering): Promise<UnavailableError> {
  await using server = await startRest(
    smallCluster(1, (path, ...rest) => (path === '/jobs/overview' ? answer(path, ...rest) : undefined)),
  )
  const error = await restOf(server.url)
    .look(of, never)
    .catch((thrown: unknown) => thrown)
  if (!(error instanceof UnavailableError)) throw new Error(`expected an UnavailableError, got ${String(error)}`)
  return error
}

function everything(error: UnavailableError): string {
  return `${error.message}: ${error.cause instanceof Error ? error.cause.message : ''}`
}

describe('a peer in place of the JobManager', () => {
  it('that is not there is told by its address', async () => {
    const error = await restOf('http://127.0.0.1:1')
      .look(of, never)
      .catch((thrown: unknown) => thrown)

    expect(error).toBeInstanceOf(UnavailableError)
    expect(error instanceof UnavailableError && everything(error)).toMatch(
      /Read http:\/\/127\.0\.0\.1:1\/\S+: .*ECONNREFUSED/,
    )
  })

  it('that says nothing costs one deadline', async () => {
    const error = await refused(() => handled)

    expect(error.timedOut).toBe(true)
    expect(error.message).toContain('no answer within 1000 ms')
  })

  it('that drips for ever costs one deadline as well', async () => {
    let drip: NodeJS.Timeout | undefined
    const error = await refused((_path, _query, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"jobs":[')
      drip = setInterval(() => response.write(' '), 20)
      return handled
    })
    clearInterval(drip)

    expect(error.timedOut).toBe(true)
  })

  it('with a bomb of gzip is refused unopened', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20))
    const error = await refused((_path, _query, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }).end(bomb)
      return handled
    })

    expect(everything(error)).toContain('it answers in "gzip", expected no encoding')
  })

  it('with a thousand encodings one in the other is refused', async () => {
    const encoding = Array.from({ length: 1_000 }, () => 'gzip').join(', ')
    const error = await refused((_path, _query, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': encoding }).end('{}')
      return handled
    })

    expect(everything(error)).toMatch(/it answers in "gzip, gzip.{0,40}", expected no encoding/)
  })

  it('with 50 MB of JSON is cut off at 8 MiB', async () => {
    const element = `${JSON.stringify({ jid: jobId(1), name: 'x'.repeat(1_000) })},`.repeat(1_000)
    let sent = 0
    const error = await refused((_path, _query, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"jobs":[')
      const more = (): void => {
        while (sent < 50e6 && !response.destroyed) {
          sent += element.length
          if (!response.write(element)) return void response.once('drain', more)
        }
      }
      more()
      return handled
    })

    expect(everything(error)).toContain('more than 8 MiB, expected less')
    expect(sent).toBeLessThan(40e6)
  })

  it('with a login page is told as one', async () => {
    const error = await refused((_path, _query, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>please log in</html>')
      return handled
    })

    expect(everything(error)).toContain('it answers text/html, expected JSON (is it a login page?)')
  })

  it('that redirects is not followed', async () => {
    let followed = 0
    await using other = await startRest(() => {
      followed++
      return {}
    })
    const error = await refused((_path, _query, response) => {
      response.writeHead(307, { Location: `${other.url}/latest/meta-data` }).end()
      return handled
    })

    expect(everything(error)).toMatch(
      /it redirects \(307\) to "http:\/\/127\.0\.0\.1:\d+\/latest\/meta-data", which is not followed/,
    )
    expect(followed).toBe(0)
  })

  it('that wants a password makes the error `denied`', async () => {
    const error = await refused((_path, _query, response) => sendJson(response, { errors: ['who are you'] }, 401))

    expect(error.denied).toBe(true)
    expect(error.message).toMatch(/it answers 401 "who are you", expected 200$/)
  })

  it('that is something else is no JobManager', async () => {
    expect((await refused(() => ({ apps: null }))).message).toContain(
      'there is no list "jobs", this is no JobManager of Flink',
    )
    expect((await refused(() => [])).message).toContain('there is no list "jobs"')
  })

  it('that speaks no HTTP, or hangs up, is an error and no crash', async () => {
    for (const text of [
      '',
      'SSH-2.0-OpenSSH_9\r\n',
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    ]) {
      const server = createServer((socket) => void socket.on('error', () => undefined).end(text))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : 0

      await expect(restOf(`http://127.0.0.1:${port}`).look(of, never)).rejects.toThrow(UnavailableError)
      server.close()
    }
  })

  it('without a list of TaskManagers makes no look: an empty one would mean that all are gone', async () => {
    await using server = await startRest(
      smallCluster(1, (path, _query, response) =>
        path === '/taskmanagers' ? sendJson(response, { errors: ['later'] }, 503) : undefined,
      ),
    )

    await expect(restOf(server.url).look(of, never)).rejects.toThrow(
      '/taskmanagers: it answers 503 "later", expected 200',
    )
  })

  it('never sees its password in an error', async () => {
    await using server = await startRest(() => undefined)
    const rest = restOf(server.url.replace('//', '//ann:s3cret@'))

    const error = await rest.look(of, never).catch((thrown: unknown) => thrown)

    expect(rest.url).toBe(server.url)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('s3cret')
  })
})

describe('one bad part', () => {
  it('of the list of jobs hides no other', async () => {
    const good = { jid: jobId(7), name: 'good', state: 'RUNNING', 'start-time': 5, 'end-time': -1 }
    const bad = [
      null,
      1,
      'x',
      {},
      { ...good, jid: '../../etc' },
      { ...good, name: 3 },
      good,
      { ...good, name: 'again' },
    ]
    await using server = await startRest(
      smallCluster(0, (path) => (path === '/jobs/overview' ? { jobs: bad } : undefined)),
    )

    const look = await restOf(server.url).look(of, never)

    expect(look.jobs.map(({ name }) => name)).toEqual(['good'])
    expect(look.jobs[0]?.unread).toEqual([])
    expect(look.unread).toEqual([
      'Job 1 is left out: Invalid input: expected object, received null',
      'Job 2 is left out: Invalid input: expected object, received number',
      'Job 3 is left out: Invalid input: expected object, received string',
      '3 more of Job are left out',
      `Job "${jobId(7)}" is listed 2 times: the first is taken`,
    ])
  })

  it('of a job is absent and told, and the rest of it is there', async () => {
    await using server = await startRest(
      smallCluster(3, (path, _query, response) => {
        if (path === `/jobs/${jobId(1)}/checkpoints`) return { counts: 'many' }
        if (path === `/jobs/${jobId(2)}`) return sendJson(response, { errors: ['Internal server error.\n  at x'] }, 500)
        return undefined
      }),
    )

    const [whole, one, two] = (await restOf(server.url).look(of, never)).jobs

    expect(whole).toMatchObject({ unread: [], checkpoints: { completed: 1 }, restarts: 0 })
    expect(one?.checkpoints).toBeUndefined()
    expect(one).toMatchObject({ restarts: 0, vertices: [{ id: vertexId }] })
    expect(one?.unread).toEqual(['Checkpoints: counts: Invalid input: expected object, received string'])
    expect(two).toMatchObject({ vertices: [], plan: [], checkpoints: { completed: 1 } })
    expect(two?.unread).toEqual(['Vertices: it answers 500 "Internal server error.", expected 200'])
  })

  it('that hangs costs one deadline for its job', async () => {
    await using server = await startRest(
      smallCluster(40, (path) => (path.startsWith(`/jobs/${jobId(3)}`) ? handled : undefined)),
    )

    const { jobs } = await restOf(server.url).look(of, never)

    expect(jobs.filter(({ unread }) => unread.length > 0).map(({ name }) => name)).toEqual(['job-3'])
    expect(server.asked.filter((path) => path.startsWith(`/jobs/${jobId(3)}`))).toHaveLength(1)
  })

  it('of the plan leaves no plan, because it would look like one in several parts', async () => {
    const nodes = [...jobDetail.plan.nodes, { id: 'b' }]
    await using server = await startRest(
      smallCluster(1, (path) => (path === `/jobs/${jobId(0)}` ? { ...jobDetail, plan: { nodes } } : undefined)),
    )

    const [job] = (await restOf(server.url).look(of, never)).jobs

    expect(job?.plan).toEqual([])
    expect(job?.unread[0]).toMatch(/^Plan node 2 is left out: description/)
  })
})

it('names, repeated keys and keys of the language harm nobody', async () => {
  const names = [
    '',
    '__proto__',
    'constructor',
    '\u0000\u001b[31m',
    '\ud800',
    '"}{\n# HELP x',
    '../..',
    'ü'.repeat(3_000),
  ]
  const jobs = names.map((name, index) => ({ jid: jobId(index), name, state: 'RUNNING', 'start-time': 1 }))
  const text = `{"jobs":[],"__proto__":{"jobs":1},"jobs":${JSON.stringify(jobs)}}`
  await using server = await startRest(
    smallCluster(0, (path, _query, response) => {
      if (path !== '/jobs/overview') return undefined
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(text)
      return handled
    }),
  )

  const look = await restOf(server.url).look(of, never)

  expect(look.jobs.map(({ name }) => name)).toEqual(names)
  expect(Object.hasOwn(Object.prototype, 'jobs')).toBe(false)
})

describe('the log of a TaskManager', () => {
  it('that hangs delays no look, and costs its deadline', async () => {
    await using server = await startRest(smallCluster(2, (path) => (path.endsWith('/log') ? handled : undefined)))
    const rest = restOf(server.url)
    const stop = new AbortController()
    const ports = Promise.allSettled(
      Array.from({ length: 6 }, (_, index) => rest.reporterPort(`tm-${index}`, stop.signal)),
    )

    const start = performance.now()
    const { jobs } = await rest.look(of, never)

    expect(jobs).toHaveLength(2)
    expect(performance.now() - start).toBeLessThan(5_000)
    stop.abort()
    expect((await ports).every(({ status }) => status === 'rejected')).toBe(true)
  })

  it('is read in pieces, also when a line is torn', async () => {
    const line = 'INFO x [] - Started PrometheusReporter HTTP server on port 9251.\n'
    await using server = await startRest((path, _query, response) => {
      if (!path.endsWith('/log')) return undefined
      response.writeHead(200, { 'Content-Type': 'text/plain' })
      response.write(`${'y'.repeat(100_000)}\n${line.slice(0, 50)}`)
      setTimeout(
        () => response.end(`${line.slice(50)}INFO Starting TaskManager with ResourceID: tm-1(node1:8041)\n`),
        30,
      )
      return handled
    })

    expect(await restOf(server.url).reporterPort('tm-1', never)).toBe(9251)
  })

  it('has the last port of this process, not that of its forerunner or of its neighbour', async () => {
    const log = [started(9250), named('tm-1'), started(9252), named('tm-1'), started(9253), named('tm-2')].join('\n')
    await using server = await startRest((path, _query, response) =>
      textAt(path, response, { '/taskmanagers/tm-1/log': log }),
    )

    expect(await restOf(server.url).reporterPort('tm-1', never)).toBe(9252)
  })

  it('that was rolled over is found by its list; one of a neighbour in the same folder is not taken', async () => {
    const logs = { logs: ['taskmanager.log', 'a.log.1', 'b.log.1', 'old.log.2.gz'].map((name) => ({ name, size: 1 })) }
    await using server = await startRest((path, _query, response) =>
      path.endsWith('/logs')
        ? logs
        : textAt(path, response, {
            '/taskmanagers/tm-1/log': 'nothing here',
            '/taskmanagers/tm-1/logs/a.log.1': `${started(9250)}\n${named('tm-2')}\n`,
            '/taskmanagers/tm-1/logs/b.log.1': `${started(9251)}\n${named('tm-1')}\n`,
          }),
    )

    expect(await restOf(server.url).reporterPort('tm-1', never)).toBe(9251)
    expect(server.asked).not.toContain('/taskmanagers/tm-1/logs/old.log.2.gz')
  })

  it('without the line gives undefined, and one that cannot be read an error', async () => {
    await using server = await startRest((path, _query, response) =>
      textAt(path, response, { '/taskmanagers/tm-1/log': 'x\n' }),
    )

    expect(await restOf(server.url).reporterPort('tm-1', never)).toBeUndefined()
    await expect(restOf(server.url).reporterPort('tm-9', never)).rejects.toThrow(
      '/taskmanagers/tm-9/log: it answers 404',
    )
  })
})

it('metrics are asked for in request lines that Flink takes, and what is no number is left out', async () => {
  const ids = Array.from(
    { length: 300 },
    (_, index) => `${index}.Source: a[1] + #&.topic.ü.partition.${index}.currentOffset`,
  )
  await using server = await startRest((path, query) => {
    const wanted = query.get('get')?.split(',')
    if (!path.endsWith('/metrics')) return undefined
    if (wanted === undefined) return [...ids, 'NaN', 'minus', 'text', 'a,b'].map((id) => ({ id }))
    const values: Readonly<Record<string, string>> = { NaN: 'NaN', minus: '-Infinity', text: 'abc' }
    return wanted.map((id) => ({ id, value: values[id] ?? String(ids.indexOf(id)) }))
  })

  const values = await restOf(server.url).vertexMetrics(jobId(1), vertexId, () => true, never)

  expect([...values.keys()]).toEqual(ids)
  expect([...values.values()]).toEqual(ids.map((_, index) => index))
  expect(Math.max(...server.asked.map((path) => path.length))).toBeLessThanOrEqual(3_500)
  expect(server.asked.length).toBeLessThan(15)
})

it('an aborted look rejects with the reason, and a closed client asks nothing more', async () => {
  await using server = await startRest(() => handled)
  const rest = restOf(server.url)
  const stop = new AbortController()
  const looking = rest.look(of, stop.signal)
  stop.abort(new Error('enough'))

  await expect(looking).rejects.toThrow('enough')
  const pending = rest.look(of, never)
  rest.close()
  await expect(pending).rejects.toThrow('we stopped asking')
})

it('over TLS only who has a certificate of a trusted authority is asked, with the headers that were ordered', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flink-rest-'))
  const authority = createAuthority(folder)
  const { cert, key } = authority.issue('jobmanager')
  const seen: (string | undefined)[] = []
  const answer = smallCluster(1)
  const server = createHttpsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    seen.push(request.headers.authorization)
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://flink')
    sendJson(response, answer(pathname, searchParams, response, request))
  })
  const { url, close } = await listenOnLoopback(server)
  const https = url.replace('http:', 'https:')

  await expect(restOf(https).look(of, never)).rejects.toThrow(UnavailableError)
  expect(seen).toEqual([])
  const rest = restOf(https, {
    tls: { ca: readFileSync(authority.ca) },
    headers: async () => ({ Authorization: 'Negotiate abc' }),
  })
  expect((await rest.look(of, never)).jobs).toMatchObject([{ name: 'job-0', unread: [] }])
  expect(new Set(seen)).toEqual(new Set(['Negotiate abc']))
  await close()
  rmSync(folder, { recursive: true })
})

function started(port: number): string {
  return `2026-01-01 INFO  org.apache.flink.metrics.prometheus.PrometheusReporter [] - Started PrometheusReporter HTTP server on port ${port}.`
}

function named(id: string): string {
  return `2026-01-01 INFO  o.a.f.r.taskexecutor.TaskManagerRunner [] - Starting TaskManager with ResourceID: ${id}`
}

function textAt(path: string, response: Parameters<Answering>[2], texts: Readonly<Record<string, string>>): unknown {
  const text = texts[path]
  if (text === undefined) return undefined
  response.writeHead(200, { 'Content-Type': 'text/plain' }).end(text)
  return handled
}
