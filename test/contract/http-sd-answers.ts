import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

/** An answer to a request for http_sd. */
export interface SdAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  /** Sent later than the request by so much; `Infinity` is never. */
  readonly afterMs: number
}

/**
 * What became of the targets: `kept` when the answer was refused as a whole and the list from before lives on, else the
 * addresses that are left.
 */
export type Outcome = 'kept' | readonly string[]

export interface SdCase {
  readonly name: string
  readonly answer: SdAnswer
  readonly outcome: Outcome
  /** Where the third generation differs. */
  readonly outcome3?: Outcome
  /** Labels, after relabelling, that the first target must have; absent ones are `undefined`. */
  readonly labels?: Readonly<Record<string, string | undefined>>
}

const json = 'application/json; charset=utf-8'

function answer(body: string | Uint8Array, more: Partial<SdAnswer> = {}): SdAnswer {
  return { status: 200, headers: { 'Content-Type': json }, body, afterMs: 0, ...more }
}

const typed = (type: string) => ({ headers: { 'Content-Type': type } })

/** Two addresses that a list of ours may have; no other answer has them. */
export const goodAddresses: readonly string[] = ['10.0.0.1:9250', '10.0.0.2:9250']
export const goodAnswer = answer(JSON.stringify([{ targets: goodAddresses, labels: { team: 'a' } }]))

/** Three groups of one target each; `odd` stands in the middle one. */
function three(odd: string): string {
  return `[{"targets":["a:1"]},{"targets":["b:1"]${odd}},{"targets":["c:1"]}]`
}

const all = ['a:1', 'b:1', 'c:1']
const rest = ['a:1', 'c:1']

/** What two generations of Prometheus make of answers, right and wrong, each given after a good list of two targets. */
export const sdCases: readonly SdCase[] = [
  { name: '503', answer: answer('{"error":"not yet"}', { status: 503 }), outcome: 'kept' },
  { name: '404', answer: answer('[]', { status: 404 }), outcome: 'kept' },
  { name: '400', answer: answer('[]', { status: 400 }), outcome: 'kept' },
  { name: '204', answer: answer('', { status: 204 }), outcome: 'kept' },
  { name: '304', answer: answer('', { status: 304 }), outcome: 'kept' },
  { name: 'no answer', answer: answer('[]', { afterMs: Number.POSITIVE_INFINITY }), outcome: 'kept' },
  { name: 'an answer later than the refresh interval', answer: answer('[]', { afterMs: 2_500 }), outcome: 'kept' },
  { name: 'HTML', answer: answer('<html>', typed('text/html')), outcome: 'kept' },
  { name: 'a list as text/plain', answer: answer(three(''), typed('text/plain')), outcome: 'kept' },
  {
    name: 'a list as application/vnd.api+json',
    answer: answer(three(''), typed('application/vnd.api+json')),
    outcome: 'kept',
  },
  { name: 'a list without Content-Type', answer: answer(three(''), { headers: {} }), outcome: 'kept' },
  {
    name: 'gzip that nobody asked for',
    answer: answer(gzipSync(three('')), { headers: { 'Content-Type': json, 'Content-Encoding': 'gzip' } }),
    outcome: 'kept',
  },
  { name: 'JSON that is cut off', answer: answer(three('').slice(0, -3)), outcome: 'kept' },
  { name: 'an empty body', answer: answer(''), outcome: 'kept' },
  { name: 'an object', answer: answer('{"targets":["a:1"]}'), outcome: 'kept' },
  { name: 'a byte order mark', answer: answer(`\ufeff${three('')}`), outcome: 'kept' },
  { name: 'bytes after the list', answer: answer(`${three('')} x`), outcome: 'kept' },
  { name: 'an unknown key in a group', answer: answer(three(',"source":"x"')), outcome: 'kept' },
  { name: 'a number as label', answer: answer(three(',"labels":{"shard":7}')), outcome: 'kept' },
  { name: 'a boolean as label', answer: answer(three(',"labels":{"on":true}')), outcome: 'kept' },
  { name: 'a number as target', answer: answer('[{"targets":[7]}]'), outcome: 'kept' },
  { name: 'null as the only group', answer: answer('[null]'), outcome: 'kept' },
  { name: 'null among groups', answer: answer('[{"targets":["a:1"]},null]'), outcome: 'kept' },
  { name: 'an empty label name', answer: answer(three(',"labels":{"":"x"}')), outcome: 'kept' },
  {
    name: 'a label name with a hyphen',
    answer: answer(three(',"labels":{"bad-name":"x"}')),
    outcome: 'kept',
    outcome3: all,
  },
  {
    name: 'a label name that is not ASCII',
    answer: answer(three(',"labels":{"ä b":"x"}')),
    outcome: 'kept',
    outcome3: all,
  },
  {
    name: 'a label name that is not UTF-8',
    answer: answer(
      Buffer.concat([Buffer.from('[{"targets":["a:1"],"labels":{"b'), Buffer.of(0xff), Buffer.from('":"x"}}]')]),
    ),
    outcome: 'kept',
    outcome3: ['a:1'],
  },
  { name: 'an empty list', answer: answer('[]'), outcome: [] },
  { name: 'null', answer: answer('null'), outcome: [] },
  {
    name: 'a redirect to an empty list',
    answer: answer('', { status: 302, headers: { Location: '/empty' } }),
    outcome: [],
  },
  { name: 'null for targets', answer: answer('[{"targets":null,"labels":{}}]'), outcome: [] },
  { name: 'a group without targets', answer: answer('[{"labels":{"a":"b"}}]'), outcome: [] },
  { name: 'groups without labels', answer: answer(three('')), outcome: all },
  {
    name: 'Content-Type without charset',
    answer: answer(three(''), typed('application/json')),
    outcome: all,
  },
  {
    name: 'Content-Type with a charset in capitals and no blank',
    answer: answer(three(''), typed('application/json;charset=UTF-8')),
    outcome: all,
  },
  {
    name: 'null as label',
    answer: answer('[{"targets":["a:1"],"labels":{"team":null,"x":"y"}}]'),
    outcome: ['a:1'],
    labels: { team: undefined, x: 'y' },
  },
  {
    name: 'quotes, backslash, line end, NUL and letters of the world in a label',
    answer: answer(JSON.stringify([{ targets: ['a:1'], labels: { x: '"\\\n\0ä💥' } }])),
    outcome: ['a:1'],
    labels: { x: '"\\\n\0ä💥' },
  },
  {
    name: 'a label value that is not UTF-8',
    answer: answer(
      Buffer.concat([Buffer.from('[{"targets":["a:1"],"labels":{"x":"b'), Buffer.of(0xff), Buffer.from('"}}]')]),
    ),
    outcome: ['a:1'],
    labels: { x: 'b\ufffd' },
  },
  {
    name: 'the same target three times',
    answer: answer('[{"targets":["a:1","a:1"]},{"targets":["a:1"]}]'),
    outcome: ['a:1'],
  },
  { name: 'an address with a path', answer: answer(three('').replace('b:1', 'b:1/x')), outcome: rest },
  { name: 'an empty address', answer: answer(three('').replace('b:1', '')), outcome: rest },
  { name: 'a scrape interval of zero', answer: answer(three(',"labels":{"__scrape_interval__":"0s"}')), outcome: rest },
  {
    name: 'a scrape timeout that is longer than the interval',
    answer: answer(three(',"labels":{"__scrape_timeout__":"2h"}')),
    outcome: rest,
  },
  {
    name: 'an address in the labels',
    answer: answer('[{"targets":["a:1"],"labels":{"__address__":"evil:1"}}]'),
    outcome: ['a:1'],
  },
  {
    name: 'a job in the labels, which wins',
    answer: answer('[{"targets":["a:1"],"labels":{"job":"stolen"}}]'),
    outcome: ['a:1'],
    labels: { job: 'stolen' },
  },
  {
    name: 'an address without port',
    answer: answer('[{"targets":["a"]}]'),
    outcome: ['a:80'],
    outcome3: ['a'],
  },
  {
    name: 'a value that only a new generation reads',
    answer: answer(three(',"labels":{"__scrape_native_histograms__":"maybe"}')),
    outcome: all,
    outcome3: rest,
  },
]

/** Waits until an answer is due; false when it never is. */
export async function isDue({ afterMs }: SdAnswer, signal: AbortSignal): Promise<boolean> {
  if (afterMs > 0) await sleep(Math.min(afterMs, 60_000), undefined, { signal }).catch(() => undefined)
  return Number.isFinite(afterMs) && !signal.aborted
}
