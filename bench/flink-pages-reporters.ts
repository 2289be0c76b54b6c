import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gunzipSync, gzip } from 'node:zlib'
import { listenOnLoopback } from '../test/fakes/listen.ts'

// The child process of bench/flink-pages.ts: so many TaskManagers, each with a port, and a page of 650 kB that was
// captured from Flink 1.20.5 under its own name and with other offsets in each answer. Arguments: number, and `families`
// when single families may be asked for as of a real reporter.

const [count = '1000', ability = 'whole'] = process.argv.slice(2)
const captured = new URL(
  '../test/fixtures/flink-pages/1.20.5/03-backpressure-75s/taskmanager-1-full.prom.gz',
  import.meta.url,
)
const compress = promisify<Buffer, { level: number }, Buffer>(gzip)
/** Java writes numbers below ten million without an exponent: seven digits and `.0`. */
const anyValue = '1000000.0'
const capturedId = '127_0_0_1:20130_3771c3'

interface Template {
  readonly page: Buffer
  readonly ids: readonly number[]
  readonly values: readonly number[]
}

function templateOf(text: string): Template {
  const page = text.replaceAll(/^(\S+(?:current|committed)Offset\{.*\}) \S+$/gm, `$1 ${anyValue}`)
  return { page: Buffer.from(page), ids: placesOf(page, capturedId), values: placesOf(page, anyValue) }
}

function placesOf(text: string, wanted: string): readonly number[] {
  const places: number[] = []
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + wanted.length)) places.push(at)
  return places
}

/** As the reporter does: whole families, whose samples have one of the names. */
function onlyFamilies(text: string, names: ReadonlySet<string>): string {
  const isWanted = (line: string): boolean => names.has(/^(?:# (?:HELP|TYPE) )?([^\s{]+)/.exec(line)?.[1] ?? '')
  return `${text.split('\n').filter(isWanted).join('\n')}\n`
}

const text = gunzipSync(await readFile(captured)).toString()
const whole = templateOf(text)
const filtered = new Map<string, Template>()

function templateFor(url: URL): Template {
  const names = url.searchParams.getAll('name[]')
  if (ability !== 'families' || names.length === 0) return whole
  const known = filtered.get(url.search) ?? templateOf(onlyFamilies(text, new Set(names)))
  filtered.set(url.search, known)
  return known
}

async function answer(index: number, turn: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { page, ids, values } = templateFor(new URL(request.url ?? '', 'http://reporter'))
  const body = Buffer.from(page)
  const id = `127_0_0_1:20130_${index.toString(16).padStart(6, '0')}`
  for (const at of ids) body.write(id, at, 'latin1')
  const value = `${1_000_000 + ((index * 1_000 + turn) % 9_000_000)}.0`
  for (const at of values) body.write(value, at, 'latin1')
  const isPacked = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  const sent = isPacked ? await compress(body, { level: 1 }) : body
  response.writeHead(200, {
    'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
    ...(isPacked ? { 'Content-Encoding': 'gzip' } : {}),
    'Content-Length': sent.length,
  })
  response.end(sent)
}

const addresses: string[] = []
for (let index = 0; index < Number(count); index++) {
  let turn = 0
  const server = createServer((request, response) => {
    turn++
    void answer(index, turn, request, response)
  })
  addresses.push(new URL((await listenOnLoopback(server)).url).host)
}
process.on('disconnect', () => process.exit())
process.send?.({ addresses, bytes: whole.page.length })
