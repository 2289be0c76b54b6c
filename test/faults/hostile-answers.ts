import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { createGzip } from 'node:zlib'
import type { Attack } from './hostile-gate.ts'

/** What a peer is asked for, by the form of its answers. */
export type Form = 'json' | 'page'

const types = { json: 'application/json;charset=utf-8', page: 'text/plain; version=0.0.4; charset=utf-8' } as const

export interface NamedAttack {
  readonly name: string
  readonly attack: (form: Form) => Attack
}

const mebibyte = 1_048_576

/** Writes for as long as the peer takes it, and no faster. */
async function pour(response: ServerResponse, pieces: Iterable<Uint8Array | string>): Promise<void> {
  for (const piece of pieces) {
    if (response.destroyed) return
    if (!response.write(piece)) await drained(response)
    // Whoever answers slowly here answers all others slowly.
    else await setImmediate()
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    if (response.destroyed) resolve()
    else response.on('drain', done).on('close', done)
  })
}

function* times(count: number, piece: Uint8Array | string): Generator<Uint8Array | string> {
  for (let index = 0; index < count; index++) yield piece
}

/** Of so many MiB of one piece of text, packed: about a thousandth. */
async function bombOf(megabytes: number, start: string, filler: string): Promise<Buffer> {
  const gzip = createGzip()
  const chunks: Buffer[] = []
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk))
  const piece = Buffer.from(filler.repeat(Math.ceil(mebibyte / filler.length))).subarray(0, mebibyte)
  gzip.write(start)
  for (let index = 0; index < megabytes; index++) if (!gzip.write(piece)) await once(gzip, 'drain')
  gzip.end()
  await once(gzip, 'end')
  return Buffer.concat(chunks)
}

const bombs = new Map<string, Promise<Buffer>>()

function bomb(start: string, filler: string): Promise<Buffer> {
  const key = start + filler
  const made = bombs.get(key) ?? bombOf(300, start, filler)
  bombs.set(key, made)
  return made
}

const packed =
  (start: Readonly<Record<Form, string>>, filler: Readonly<Record<Form, string>>) =>
  (form: Form): Attack =>
  async ({ response }) => {
    const body = await bomb(start[form], filler[form])
    response.writeHead(200, { 'Content-Type': types[form], 'Content-Encoding': 'gzip', 'Content-Length': body.length })
    await pour(response, [body])
    response.end()
  }

const both = (text: string) => ({ json: text, page: text })

/** T01: 300 MB out of 300 kB. */
export const gzipBombs: readonly NamedAttack[] = [
  { name: 'zeros', attack: packed(both(''), both('\0')) },
  { name: 'what begins well', attack: packed(starts(), { json: ' ', page: '# HELP a b\n' }) },
  { name: 'one endless text', attack: packed({ json: '{"apps":{"app":[{"id":"', page: longLine() }, both('a')) },
]

function starts(): Readonly<Record<Form, string>> {
  return { json: '{"apps":{"app":[', page: 'flink_taskmanager_Status_JVM_CPU_Load{host="h"} 0.1\n' }
}

function longLine(): string {
  return 'flink_taskmanager_job_task_operator_pendingRecords{tm_id="'
}

/** T02: encodings upon encodings, of which none was asked for. */
export const stackedEncodings: readonly NamedAttack[] = [
  {
    name: '1,000 in one header',
    attack: encoded({ 'Content-Encoding': Array.from({ length: 1_000 }, () => 'gzip').join(', ') }),
  },
  { name: 'one in 300 headers', attack: encoded({ 'Content-Encoding': Array.from({ length: 300 }, () => 'gzip') }) },
  { name: 'headers of 40 kB', attack: encoded({ 'Content-Encoding': Array.from({ length: 1_500 }, () => 'gzip') }) },
  { name: 'br', attack: encoded({ 'Content-Encoding': 'br' }) },
  { name: 'gzip that is none', attack: encoded({ 'Content-Encoding': 'gzip' }) },
]

function encoded(headers: Readonly<Record<string, string | string[]>>): NamedAttack['attack'] {
  return (form) =>
    ({ response }) => {
      response.writeHead(200, { 'Content-Type': types[form], ...headers })
      response.end('it is none of these')
    }
}

/** T03: what has no end. */
export const endless: readonly NamedAttack[] = [
  {
    name: 'a body without an end',
    attack:
      (form) =>
      async ({ response }) => {
        response.writeHead(200, { 'Content-Type': types[form] })
        response.write(starts()[form])
        const filler = form === 'json' ? ' '.repeat(65_536) : '# TYPE a gauge\n'.repeat(4_096)
        await pour(response, times(1_000_000, filler))
      },
  },
  {
    name: 'elements without an end',
    attack:
      (form) =>
      async ({ response }) => {
        response.writeHead(200, { 'Content-Type': types[form] })
        response.write(starts()[form])
        const filler = form === 'json' ? '{"id":"application_1_0001","state":7},' : 'flink_taskmanager_x{tm_id="y"} 1\n'
        await pour(response, times(1_000_000, filler.repeat(1_500)))
      },
  },
  {
    name: 'a drip of 4 bytes a second',
    attack:
      (form) =>
      async ({ response }) => {
        response.writeHead(200, { 'Content-Type': types[form] })
        while (!response.destroyed) {
          response.write(form === 'json' ? ' ' : '#')
          await sleep(250)
        }
      },
  },
  {
    name: 'a head, and nothing',
    attack:
      (form) =>
      ({ response }) => {
        response.writeHead(200, { 'Content-Type': types[form] })
        response.flushHeaders()
      },
  },
  { name: 'no word', attack: () => () => undefined },
  {
    name: 'headers without an end',
    attack:
      () =>
      async ({ response }) => {
        const { socket } = response
        socket?.write('HTTP/1.1 200 OK\r\n')
        while (socket !== null && !socket.destroyed) {
          socket.write(`X-${Math.random()}: ${'a'.repeat(40)}\r\n`)
          await sleep(20)
        }
      },
  },
  {
    name: 'a body that is shorter than it says',
    attack:
      (form) =>
      ({ response }) => {
        response.writeHead(200, { 'Content-Type': types[form], 'Content-Length': 100_000 })
        response.write(starts()[form])
        setTimeout(() => response.destroy(), 20)
      },
  },
]

/** T04: 50 MB. */
export const largeAnswers: readonly NamedAttack[] = [
  { name: 'one text', attack: large('{"apps":{"app":[{"id":"', 'a'.repeat(65_536)) },
  { name: 'small elements', attack: large('{"apps":{"app":[{}', ',{"id":1}'.repeat(7_000)) },
  { name: 'small elements in "jobs"', attack: large('{"jobs":[{}', ',{"jid":1}'.repeat(6_000)) },
  { name: 'lists in lists', attack: large('{"apps":', '['.repeat(65_536)) },
  { name: 'members', attack: large('{"apps":{"app":[]}', ',"a":1,"b":{},"c":[]'.repeat(3_000)) },
]

function large(start: string, filler: string): NamedAttack['attack'] {
  return (form) =>
    async ({ response }) => {
      response.writeHead(200, { 'Content-Type': types[form] })
      response.write(start)
      await pour(response, times(Math.ceil((50 * mebibyte) / filler.length), filler))
      response.end('}')
    }
}

const login =
  '<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action="/login"></form></body></html>'

/** T06: somebody wants a password, and says that all is well. */
export const loginPages: readonly NamedAttack[] = [
  { name: 'as text/html', attack: () => html('text/html; charset=utf-8') },
  { name: 'as what was asked for', attack: (form) => html(types[form]) },
  { name: 'without a type', attack: () => html(undefined) },
]

function html(type: string | undefined): Attack {
  return ({ response }) => {
    response.writeHead(200, type === undefined ? {} : { 'Content-Type': type })
    response.end(login)
  }
}

/** T07: ways to send a caller elsewhere. */
export function redirects(to: string): readonly NamedAttack[] {
  const statuses = [300, 301, 302, 303, 305, 307, 308].map((status) => ({
    name: String(status),
    attack: () => redirect(status, { Location: to }),
  }))
  return [
    ...statuses,
    { name: 'Refresh', attack: () => redirect(200, { Refresh: `0;url=${to}`, 'Content-Type': 'text/plain' }) },
    { name: '201 with a location', attack: () => redirect(201, { Location: to, 'Content-Location': to }) },
    { name: '407', attack: () => redirect(407, { 'Proxy-Authenticate': 'Basic', Location: to }) },
    { name: 'Alt-Svc', attack: () => redirect(200, { 'Alt-Svc': `h2="${to.split('/')[2]}"`, Link: `<${to}>` }) },
  ]
}

function redirect(status: number, headers: Readonly<Record<string, string>>): Attack {
  return ({ response }) => {
    response.writeHead(status, headers)
    response.end()
  }
}
