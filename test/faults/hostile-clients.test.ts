import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { bigListWorld, growList } from './big-list.ts'
import { filesOf, limitFiles } from './few-files.ts'
import { probeHealth } from './health-probe.ts'
import { type RawClient, rawClient } from './raw.ts'
import { addressOf } from './registrants.ts'
import { fault, runFaults } from './runner.ts'
import { garbageServerNames, tlsWorld } from './tls-world.ts'
import { eventually, injected } from './waiting.ts'
import type { World } from './world.ts'

const ask = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`

/** Milliseconds of processor time that the daemon has used. */
async function cpuMs({ process: { pid } }: World): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** How long health took under a load, told in the output beside the promise. */
async function underLoad<T>(world: World, what: string, load: () => Promise<T>): Promise<T> {
  const probe = probeHealth(world.url)
  const result = await load()
  const { count, p99, max } = await probe.stop()
  process.stdout.write(`${what}: health p99 ${Math.round(p99)} ms, max ${Math.round(max)} ms (${count} asked)\n`)
  expect(p99, `${what}: p99 of health`).toBeLessThan(500)
  return result
}

async function openMany(count: number, open: () => Promise<RawClient>): Promise<readonly RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < count) {
    const some = Array.from({ length: Math.min(100, count - clients.length) }, () => open())
    clients.push(...(await Promise.all(some)))
  }
  return clients
}

runFaults('H', [
  fault({
    id: 'H01',
    title: '2,000 clients that send their head byte by byte hold nobody up, and are gone after their time',
    inject: async (world) =>
      underLoad(world, 'H01', async () => {
        // One that has not been read yet may have to make room for the next thousand: that counts for the p99 alone.
        world.oracle.toleratesSilence(true)
        const clients = await openMany(2_000, () => rawClient(world.port, 'GET /sd/v1/targets HTTP/1.1\r\nX: '))
        const timer = setInterval(() => {
          for (const { socket } of clients) if (!socket.closed) socket.write('a')
        }, 1_000)
        await sleep(14_000)
        clearInterval(timer)
        const open = clients.filter(({ socket }) => !socket.closed).length
        for (const client of clients) client.close()
        injected(
          clients.every(({ socket }) => socket.bytesWritten > 0),
          'a client sent nothing',
        )
        return open
      }),
    expect: async (world, open) => {
      world.oracle.toleratesSilence(false)
      expect(open).toBe(0)
    },
  }),
  fault({
    id: 'H02',
    title: '50 clients that ask for a list of 133 MB and do not read cost at most 100 MB and are cut off',
    world: bigListWorld,
    arrange: growList,
    inject: async (world) =>
      underLoad(world, 'H02', async () => {
        const before = await world.rssMb()
        const clients = await openMany(50, async () => {
          const client = await rawClient(world.port, ask('/sd/v1/targets'))
          client.socket.pause()
          return client
        })
        await sleep(5_000)
        const grownMb = (await world.rssMb()) - before
        process.stdout.write(`H02: RSS ${Math.round(before)} MB, ${Math.round(grownMb)} MB more with 50 slow readers\n`)
        const reads = clients.map(({ socket }) => socket.bytesRead)
        injected(Math.max(...reads) < 20_000_000, 'a reader took what it should have left')
        await sleep(30_000)
        for (const { socket } of clients) socket.resume()
        await sleep(2_000)
        const open = clients.filter(({ socket }) => !socket.closed).length
        for (const client of clients) client.close()
        return { grownMb, open }
      }),
    expect: async (_world, { grownMb, open }) => {
      expect(grownMb).toBeLessThan(100)
      expect(open).toBe(0)
    },
  }),
  fault({
    id: 'H03',
    title: '20 scrapes at once share one compression of the list',
    world: bigListWorld,
    arrange: growList,
    inject: async (world) => {
      const zipped = async () => {
        const client = await rawClient(
          world.port,
          ask('/sd/v1/targets', 'Accept-Encoding: gzip\r\nConnection: close\r\n'),
        )
        await client.closes(60_000)
        return client.socket.bytesRead
      }
      const change = async (instance: number) => {
        await world.put(`faults/change/worker/${instance}`)
        await eventually('the change to be listed', 5_000, async () =>
          (await world.listed()).has(`faults/change/worker/${instance}`),
        )
      }
      const cost = async (instance: number, readers: number) => {
        await change(instance)
        const before = await cpuMs(world)
        const sizes = await Promise.all(Array.from({ length: readers }, zipped))
        injected(new Set(sizes).size === 1 && (sizes[0] ?? 0) > 1_000_000, `the readers got ${sizes.join()} bytes`)
        return (await cpuMs(world)) - before
      }
      return { one: await cost(1, 1), many: await cost(2, 20) }
    },
    expect: async (_world, { one, many }) => {
      process.stdout.write(`H03: ${one} ms of processor for one scrape, ${many} ms for 20\n`)
      expect(many).toBeLessThan(one * 8 + 500)
    },
  }),
  fault({
    id: 'H09',
    title: 'a list that is under way when the daemon is told to stop comes whole, or is seen to be cut',
    world: bigListWorld,
    arrange: growList,
    inject: async (world) => {
      const get = (more: string) => rawClient(world.port, ask('/sd/v1/targets', more))
      const readers = await Promise.all([get(''), get('Accept-Encoding: gzip\r\n'), get(''), get('')])
      const [, , third, fourth] = readers
      third?.socket.pause()
      fourth?.socket.pause()
      await eventually('the answers to begin', 5_000, async () => (readers[0]?.socket.bytesRead ?? 0) > 0, 1)
      const ended = world.terminate(10_000)
      await sleep(1_000)
      third?.socket.resume()
      const tookMs = await ended
      fourth?.socket.resume()
      for (const reader of readers) await reader.closes(5_000)
      return { tookMs, answers: readers.map((reader) => judgeAnswer(reader.received())) }
    },
    expect: async (_world, { answers }) => {
      injected(
        answers.some(({ isBegun }) => isBegun),
        'no answer had begun',
      )
      expect(answers.filter(({ isLie }) => isLie)).toEqual([])
    },
    heal: async (world) => {
      await world.restart()
      // As long a journal takes some seconds to read.
      await eventually('it to be ready', 60_000, async () => (await world.ask('/-/ready')).status === 200)
    },
  }),
  fault({
    id: 'H04',
    title:
      '10,000 requests in one go cost their sender the connection and nobody else anything; a hundred are answered',
    inject: async (world) =>
      underLoad(world, 'H04', async () => {
        const few = await rawClient(world.port, ask('/-/healthy').repeat(100))
        const answered = await eventually('100 answers', 10_000, async () => {
          const answers = few.received().split('HTTP/1.1 200 OK').length - 1
          return answers === 100 ? answers : undefined
        })
        few.close()
        const before = await world.rssMb()
        const many = await openMany(3, () => rawClient(world.port, ask('/sd/v1/targets').repeat(10_000)))
        await sleep(5_000)
        const open = many.filter(({ socket }) => !socket.closed).length
        for (const client of many) client.close()
        return { answered, open, grownMb: (await world.rssMb()) - before }
      }),
    expect: async (_world, { open, grownMb }) => {
      expect(open).toBe(0)
      expect(grownMb).toBeLessThan(100)
    },
  }),
  fault({
    id: 'H05',
    title: 'requests that two servers would cut apart in two ways are refused and close the connection',
    inject: async (world) => {
      const body = JSON.stringify({ address: addressOf('faults/smuggled/worker/1'), incarnation: '1' })
      const hidden = `PUT /v1/registrations/faults/smuggled/worker/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      const put = 'PUT /v1/registrations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
      const shapes = {
        'length and chunked': `${put}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
        'chunked and length': `${put}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${hidden}`,
        'two lengths': `${put}Content-Length: 2\r\nContent-Length: ${hidden.length}\r\n\r\n[]${hidden}`,
        'two lengths in one': `${put}Content-Length: 2, 2\r\n\r\n[]${hidden}`,
        'a signed length': `${put}Content-Length: +2\r\n\r\n[]${hidden}`,
        'chunked in disguise': `${put}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`,
        'chunked twice': `${put}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${hidden}`,
        'a blank before the colon': `${put}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`,
        'bare line feeds': `${put.replaceAll('\r\n', '\n')}Content-Length: 2\n\n[]${hidden}`,
        'a bare carriage return': `${put}X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
        'a chunk size past 64 bits': `${put}Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n[]\r\n0\r\n\r\n${hidden}`,
        'a folded header': `${put}X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n[]${hidden}`,
      }
      world.oracle.leaving('faults/smuggled/worker/1')
      const outcomes: { what: string; status: number | undefined; answers: number }[] = []
      for (const [what, text] of Object.entries(shapes)) {
        const client = await rawClient(world.port, text)
        const status = await client.status(3_000)
        await client.closes(1_000)
        outcomes.push({ what, status, answers: client.received().split('HTTP/1.1 ').length - 1 })
        client.close()
      }
      return outcomes
    },
    expect: async (world, outcomes) => {
      for (const { what, status, answers } of outcomes) expect([what, status, answers]).toEqual([what, 400, 1])
      expect((await world.listed()).has('faults/smuggled/worker/1')).toBe(false)
    },
  }),
  fault({
    id: 'H06',
    title: 'a header, a path or a thousand headers of 64 KiB are refused',
    inject: async (world) => {
      const long = 'x'.repeat(65_536)
      const statuses = []
      for (const text of [
        ask('/-/healthy', `X: ${long}\r\n`),
        ask(`/${long}`),
        ask(`/sd/v1/targets?namespace=${long}`),
        ask('/-/healthy', 'X-A: some text of fifty bytes or so, again and again\r\n'.repeat(1_300)),
        `${long} / HTTP/1.1\r\n\r\n`,
      ]) {
        const client = await rawClient(world.port, text)
        statuses.push(await client.status(5_000))
        client.close()
      }
      return statuses
    },
    expect: async (_world, statuses) => {
      for (const status of statuses) expect([400, 414, 431]).toContain(status)
    },
  }),
  fault({
    id: 'H07',
    title: 'odd methods and headers get the whole list, none, or a refusal, and never something in between',
    inject: async (world) => {
      const plain = await fetch(`${world.url}/sd/v1/targets`, { headers: { 'Accept-Encoding': 'identity' } })
      const text = await plain.text()
      const outcomes: { what: string; isRight: boolean }[] = []
      for (const accepted of [
        'gzip;q=0',
        'identity',
        'br',
        '*;q=0',
        'gzip;q=0.0, identity',
        'x'.repeat(4_000),
        'gzip,'.repeat(500),
        ';;;',
        'GZIP',
        'gzip;q=99',
        '',
      ]) {
        const client = await rawClient(
          world.port,
          ask('/sd/v1/targets', `Accept-Encoding: ${accepted}\r\nConnection: close\r\n`),
        )
        await client.closes(5_000)
        const [head = '', ...rest] = client.received().split('\r\n\r\n')
        const body = Buffer.from(rest.join('\r\n\r\n'), 'latin1')
        const isZipped = /^content-encoding: gzip$/im.test(head)
        const said = isZipped ? gunzipSync(body).toString() : body.toString()
        const isRefused = /^HTTP\/1\.1 (?:400|406|431)/.test(head)
        outcomes.push({ what: accepted.slice(0, 40), isRight: isRefused || said === text })
        if (/q=0(?:\D|$)/.test(accepted)) outcomes.push({ what: `${accepted} not zipped`, isRight: !isZipped })
      }
      const ranged = await fetch(`${world.url}/sd/v1/targets`, { headers: { Range: 'bytes=0-9' } })
      outcomes.push({ what: 'Range', isRight: (await ranged.text()) === text })
      const head = await fetch(`${world.url}/sd/v1/targets`, { method: 'HEAD' })
      outcomes.push({ what: 'HEAD', isRight: head.ok && (await head.text()) === '' })
      for (const method of ['OPTIONS', 'TRACE', 'CONNECT', 'DELETE', 'PATCH', 'POST', 'PROPFIND', 'BREW']) {
        const client = await rawClient(
          world.port,
          `${method} /sd/v1/targets HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
        )
        const status = await client.status(2_000)
        await client.closes(2_000)
        const isRight = (status === undefined || status >= 400) && !client.received().includes('resident')
        outcomes.push({ what: `${method}: ${status}`, isRight })
        client.close()
      }
      injected(text.length > 100, 'there is no list')
      return outcomes
    },
    expect: async (_world, outcomes) => {
      expect(outcomes.filter(({ isRight }) => !isRight)).toEqual([])
    },
  }),
  fault({
    id: 'H08',
    title: 'over TLS, a swapped or spoilt certificate, held handshakes and garbage as a server name end nothing',
    world: tlsWorld.options,
    inject: async (world) => {
      const first = await tlsWorld.fingerprint(world.port)
      const held = await openMany(100, () => rawClient(world.port, '\x16\x03\x01\x02\x00\x01\x00'))
      const garbage = await garbageServerNames(world.port)
      await tlsWorld.swap('second')
      const swapped = await eventually('the new certificate to be shown', 10_000, async () => {
        const shown = await tlsWorld.fingerprint(world.port)
        return shown === first ? undefined : shown
      })
      await tlsWorld.swap('spoilt')
      await sleep(2_000)
      const afterSpoilt = await tlsWorld.fingerprint(world.port)
      for (const client of held) client.close()
      return { garbage, swapped, afterSpoilt }
    },
    expect: async (_world, { garbage, swapped, afterSpoilt }) => {
      expect(garbage).toBeGreaterThan(10)
      expect(afterSpoilt).toBe(swapped)
    },
    heal: async () => tlsWorld.swap('first'),
  }),
  fault({
    id: 'H10',
    title: 'when clients use up all file descriptors, it lives, and answers once they are gone',
    inject: async (world) => {
      await limitFiles(world, 256)
      world.oracle.toleratesSilence(true)
      const clients = await openMany(600, () => rawClient(world.port, 'GET /'))
      await sleep(3_000)
      injected((await filesOf(world)) >= 255, 'there are file descriptors left')
      for (const client of clients) client.close()
      return { pid: world.process.pid }
    },
    expect: async (world, { pid }) => {
      await eventually('health', 10_000, async () => (await world.ask('/-/healthy')).status === 200)
      expect(world.process.pid).toBe(pid)
      world.oracle.toleratesSilence(false)
    },
    heal: (world) => limitFiles(world, 4_096),
  }),
])

/** Half an answer must not look like a whole one. */
function judgeAnswer(answer: string): { readonly isBegun: boolean; readonly isLie: boolean } {
  const end = answer.indexOf('\r\n\r\n')
  const head = answer.slice(0, Math.max(0, end))
  if (!head.startsWith('HTTP/1.1 200')) return { isBegun: false, isLie: false }
  const body = answer.slice(end + 4)
  const length = /^content-length: (\d+)$/im.exec(head)?.[1]
  if (length !== undefined) {
    const isWhole = body.length === Number(length)
    return { isBegun: true, isLie: isWhole && !body.endsWith(']\n') && !/content-encoding/i.test(head) }
  }
  const claimsEnd = body.endsWith('\r\n0\r\n\r\n')
  return { isBegun: true, isLie: claimsEnd && !isWholeGzip(dechunk(body)) }
}

function dechunk(body: string): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.slice(at, line), 16)
    if (!(size > 0)) break
    pieces.push(Buffer.from(body.slice(line + 2, line + 2 + size), 'latin1'))
    at = line + 2 + size + 2
  }
  return Buffer.concat(pieces)
}

function isWholeGzip(bytes: Buffer): boolean {
  try {
    return gunzipSync(bytes).subarray(-2).toString() === ']\n'
  } catch {
    return false
  }
}
