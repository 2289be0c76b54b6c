import { gzipSync } from 'node:zlib'
import type { Attack, Change } from './hostile-gate.ts'

/** What becomes of the position on a page that was changed so. */
export interface PageVariant {
  readonly name: string
  readonly attack: Attack
  /** `true`: its lag goes on being right; `none`: nothing new is printed. */
  readonly position: 'true' | 'none'
}

const current = 'flink_taskmanager_job_task_operator_KafkaSourceReader_topic_partition_currentOffset'
const committed = 'flink_taskmanager_job_task_operator_KafkaSourceReader_topic_partition_committedOffset'
const pending = 'flink_taskmanager_job_task_operator_pendingRecords'

const changed =
  (change: Change): Attack =>
  ({ pass }) =>
    pass(change)

/** A line of a family of ours, with the labels of a source of the page, among the others. */
function beside(name: string, line: (labels: string) => string): PageVariant {
  const change: Change = (body) => {
    const labels = new RegExp(`^${current}\\{(.*)\\} `, 'm').exec(body)?.[1] ?? ''
    return `${body}${line(labels.replace(/,$/, ''))}\n${body.split('\n', 1)[0]}\n`
  }
  return { name: `${name} beside it`, attack: changed(change), position: 'true' }
}

/** Another value of the very gauge. */
function value(text: string, position: 'true' | 'none' = 'none'): PageVariant {
  const change: Change = (body) => body.replace(new RegExp(`^(${current}\\{.*\\}) .*$`, 'gm'), `$1 ${text}`)
  return { name: `a position of ${text === '' ? 'nothing' : text}`, attack: changed(change), position }
}

function whole(name: string, position: 'true' | 'none', change: Change): PageVariant {
  return { name, attack: changed(change), position }
}

const label =
  (text: string) =>
  (labels: string): string =>
    `${pending}{${labels},odd="${text}"} 1.0`

/** All of what Prometheus takes and refuses in a page, and more; each is done to a page of its own. */
export const pageVariants: readonly PageVariant[] = [
  ...[
    'NaN',
    '+Inf',
    '-Inf',
    '-1',
    '-5.0',
    '1.5',
    '9007199254740993',
    '9223372036854775807',
    '-9223372036854775808',
  ].map((text) => value(text)),
  ...['5n', 'undefined', 'true', '0x10', '1e400', '', 'null', '1_000', '1 2 3', '１'].map((text) => value(text)),
  ...['NaN', '-1', '5n', '1e400'].map((text) =>
    beside(`a gauge of ${text}`, (labels) => `${pending}{${labels}} ${text}`),
  ),
  beside('an escaped quote', label('a\\"b')),
  beside('an escaped newline', label('a\\nb')),
  beside('an escaped backslash', label('a\\\\')),
  beside('a raw carriage return', label('a\rb')),
  beside('a raw tab', label('a\tb')),
  beside('a NUL', label('a\u0000b')),
  beside('an empty label', label('')),
  beside('a label of 1 MiB', label('a'.repeat(1_048_576))),
  beside('an unclosed label', (labels) => `${pending}{${labels},odd="a} 1.0`),
  beside('a raw newline', label('a\nb')),
  beside('a name with a digit first', () => '0abc{a="b"} 1'),
  beside('a label in UTF-8', (labels) => `${pending}{${labels},"имя"="x"} 1`),
  beside('one label twice', (labels) => `${pending}{${labels},${labels}} 1`),
  beside(
    'a position of another process',
    (labels) => `${current}{${labels.replace(/tm_id="[^"]*"/, 'tm_id="container_1_0001_01_000099"')}} 1.0`,
  ),
  beside(
    'a position of partition -1',
    (labels) => `${current}{${labels.replace(/partition="\d+"/, 'partition="-1"')}} 1.0`,
  ),
  beside(
    'a position of partition 2^53',
    (labels) => `${current}{${labels.replace(/partition="\d+"/, 'partition="9007199254740993"')}} 1.0`,
  ),
  beside(
    'a position of an unknown job',
    (labels) => `${current}{${labels.replace(/job_id="[^"]*"/, 'job_id="ffffffffffffffffffffffffffffffff"')}} 1.0`,
  ),
  whole('lines that end with CRLF', 'true', (body) => body.replaceAll('\n', '\r\n')),
  whole('no trailing comma', 'true', (body) => body.replaceAll(',}', '}')),
  whole('every series twice', 'true', (body) => `${body}${body}`),
  whole('timestamps of 1970', 'true', (body) => body.replace(/^(flink.*)$/gm, '$1 1000')),
  whole('two values', 'none', (body) => body.replace(new RegExp(`^(${current}\\{.*\\}) (.*)$`, 'gm'), '$1 3.0\n$1 $2')),
  whole('no final newline', 'true', (body) => body.trimEnd()),
  whole('no line at all', 'none', () => ''),
  whole('an end within the position', 'none', (body) =>
    body.slice(0, body.lastIndexOf('\n', body.indexOf(`# HELP ${committed}`) - 2) + 200),
  ),
  whole('HTML', 'none', () => '<!DOCTYPE html><title>Sign in</title>\n'),
  whole('bytes that are no UTF-8', 'true', (body) =>
    Buffer.concat([Buffer.from(body), Buffer.from('x{a="'), Buffer.from([0xff, 0xfe, 0xc3]), Buffer.from('"} 1\n')]),
  ),
  whole('OpenMetrics without an end', 'true', (body) => `${body}# TYPE a counter\na_total 1 # {trace="x"} 1\n`),
  {
    name: 'a gzip that is cut off',
    position: 'none',
    attack: ({ pass }) =>
      pass(
        (body) => {
          const packed = gzipSync(body)
          return packed.subarray(0, packed.length - 30)
        },
        { headers: { 'Content-Encoding': 'gzip' } },
      ),
  },
  {
    name: 'a status of 500',
    position: 'none',
    attack: ({ response }) => {
      response.writeHead(500).end('no')
    },
  },
]
