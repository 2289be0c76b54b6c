import { expect, it } from 'vitest'
import type { FieldProblem } from '../../src/targets/field-problem.ts'
import { fieldOf, parseRegistration, withHostAddress } from '../../src/targets/parse-registration.ts'
import { parseStored, registrationDocument } from '../../src/targets/registration-document.ts'

const identity = { namespace: 'payments', app: 'orders', role: 'taskmanager', instance: 'tm-1' }
const least = { address: '10.0.0.7:9250', incarnation: '7' }

function parse(body: unknown) {
  const problems: FieldProblem[] = []
  return { parsed: parseRegistration(body, identity, problems), problems }
}

it('needs only an address and an incarnation, and fills in the rest', () => {
  const { parsed, problems } = parse(least)

  expect(problems).toEqual([])
  expect(parsed?.registration).toEqual({
    id: 'payments/orders/taskmanager/tm-1',
    ...identity,
    incarnation: '7',
    superseded: [],
    address: '10.0.0.7:9250',
    scheme: 'http',
    metricsPath: '/metrics',
    params: {},
    labels: {},
    zone: 'default',
    leaseSeconds: 30,
    facts: {},
  })
})

it('takes every field, and reads back what it writes', () => {
  const { parsed } = parse({
    address: '[FD00:0:0::7]:9250',
    incarnation: 7,
    scheme: 'https',
    metrics_path: '/prom/metrics',
    params: { module: 'b', collect: 'a' },
    labels: { team: 'Zahlungen – "Süd"\\', cell: '7' },
    zone: 'dc-2',
    lease_seconds: 60,
    kind: 'flink-tm',
    application_id: 'application_1_0001',
    attempt: 2,
    container_id: 'container_e17_1_0001_01_000002',
    flink_cluster: 'prod',
    flink_job: 'orders → ledger',
    queue: 'root.stream',
    user: 'flink',
    version: '1.20.5',
  })
  const document: unknown = JSON.parse(JSON.stringify(registrationDocument(parsed!.registration)))

  expect(parsed?.registration).toMatchObject({
    address: '[fd00::7]:9250',
    incarnation: '7',
    scheme: 'https',
    facts: { kind: 'flink-tm', attempt: '2', flinkJob: 'orders → ledger' },
  })
  expect(Object.keys(parsed!.registration.params)).toEqual(['collect', 'module'])
  expect(parseStored(document, [])).toEqual(parsed!.registration)
})

it('reports all that is wrong at once, each with path, value and expectation', () => {
  const { parsed, problems } = parse({
    address: '10.0.0.7',
    scheme: 'ftp',
    metrics_path: 'metrics?x=1',
    params: { 'match[]': 'x' },
    labels: { job: 'spoof', 'bad-name': 'x', __scheme__: 'x', empty: '', number: 7 },
    lease_seconds: 1,
    adress: 'typo',
  })

  expect(parsed).toBeUndefined()
  expect(problems.map(({ path }) => path)).toEqual([
    'address',
    'incarnation',
    'scheme',
    'metrics_path',
    'params.match[]',
    'labels.job',
    'labels.bad-name',
    'labels.__scheme__',
    'labels.empty',
    'labels.number',
    'lease_seconds',
    'adress',
  ])
  expect(problems[0]).toEqual({
    path: 'address',
    value: '"10.0.0.7"',
    expected: expect.stringContaining('host:port'),
  })
})

const wrong: readonly [string, unknown, string][] = [
  ['no object', [least], 'document'],
  ['null', null, 'document'],
  ['a text', 'x', 'document'],
  ['a reserved label', { ...least, labels: { __address__: '1.2.3.4:1' } }, 'labels'],
  ['the job label', { ...least, labels: { job: 'x' } }, 'labels'],
  ['the instance label', { ...least, labels: { instance: 'x' } }, 'labels'],
  ['the owner label', { ...least, labels: { owner: 'x' } }, 'labels'],
  ['a label name of UTF-8', { ...least, labels: { ä: 'x' } }, 'labels'],
  ['a label name with a digit first', { ...least, labels: { '1a': 'x' } }, 'labels'],
  ['an empty label name', { ...least, labels: { '': 'x' } }, 'labels'],
  ['a label name with a newline behind', { ...least, labels: { 'a\n': 'x' } }, 'labels'],
  ['a long label name', { ...least, labels: { ['a'.repeat(65)]: 'x' } }, 'labels'],
  ['an empty label value', { ...least, labels: { a: '' } }, 'labels'],
  ['a null label value', { ...least, labels: { a: null } }, 'labels'],
  ['a number as label value', { ...least, labels: { a: 1 } }, 'labels'],
  ['NUL in a label value', { ...least, labels: { a: 'x\0' } }, 'labels'],
  ['a newline in a label value', { ...least, labels: { a: 'x\ny' } }, 'labels'],
  ['DEL in a label value', { ...least, labels: { a: 'x\u007f' } }, 'labels'],
  ['a C1 control in a label value', { ...least, labels: { a: 'x\u0085' } }, 'labels'],
  ['a bidi override in a label value', { ...least, labels: { a: 'x\u202ey' } }, 'labels'],
  ['a line separator in a label value', { ...least, labels: { a: 'x\u2028y' } }, 'labels'],
  ['a lone surrogate in a label value', { ...least, labels: { a: 'x\ud800' } }, 'labels'],
  ['a noncharacter in a label value', { ...least, labels: { a: '\uffff' } }, 'labels'],
  ['a long label value', { ...least, labels: { a: 'x'.repeat(513) } }, 'labels'],
  [
    '33 labels',
    { ...least, labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, 'x'])) },
    'labels',
  ],
  ['labels as a list', { ...least, labels: ['a'] }, 'labels'],
  ['a reserved parameter', { ...least, params: { __x: 'y' } }, 'params'],
  ['a parameter with brackets', { ...least, params: { 'match[]': 'y' } }, 'params'],
  ['a list as parameter', { ...least, params: { a: ['x'] } }, 'params'],
  ['a path without a slash', { ...least, metrics_path: 'metrics' }, 'metrics_path'],
  ['a path with a query', { ...least, metrics_path: '/metrics?a=b' }, 'metrics_path'],
  ['a path with a fragment', { ...least, metrics_path: '/metrics#a' }, 'metrics_path'],
  ['a path with a blank', { ...least, metrics_path: '/a b' }, 'metrics_path'],
  ['a scheme in capitals', { ...least, scheme: 'HTTP' }, 'scheme'],
  ['a fraction as lease', { ...least, lease_seconds: 7.5 }, 'lease_seconds'],
  ['a text as lease', { ...least, lease_seconds: '30' }, 'lease_seconds'],
  ['a long lease', { ...least, lease_seconds: 3601 }, 'lease_seconds'],
  ['NaN as lease', { ...least, lease_seconds: Number.NaN }, 'lease_seconds'],
  ['an empty zone', { ...least, zone: '' }, 'zone'],
  ['a zone with a blank', { ...least, zone: 'a b' }, 'zone'],
  ['an incarnation that JSON has rounded', { ...least, incarnation: 2 ** 53 }, 'incarnation'],
  ['an empty incarnation', { ...least, incarnation: '' }, 'incarnation'],
  ['an incarnation with a slash', { ...least, incarnation: 'a/b' }, 'incarnation'],
  ['an incarnation with a blank', { ...least, incarnation: 'a b' }, 'incarnation'],
  ['a fact with a control character', { ...least, kind: 'a\tb' }, 'kind'],
  ['an empty fact', { ...least, version: '' }, 'version'],
  ['an unknown field', { ...least, nope: 1 }, 'unknown'],
  ['a field of the store', { ...least, superseded: ['1'] }, 'unknown'],
  [
    '__proto__ as a field',
    JSON.parse('{"address":"10.0.0.7:9250","incarnation":"7","__proto__":{"zone":"x"}}'),
    'unknown',
  ],
  [
    '__proto__ as a label',
    JSON.parse('{"address":"10.0.0.7:9250","incarnation":"7","labels":{"__proto__":"x"}}'),
    'labels',
  ],
  [
    '__proto__ as a parameter',
    JSON.parse('{"address":"10.0.0.7:9250","incarnation":"7","params":{"__proto__":"x"}}'),
    'params',
  ],
]

it.each(wrong)('refuses %s and names the field', (_, body, field) => {
  const { parsed, problems } = parse(body)

  expect(parsed).toBeUndefined()
  expect([...new Set(problems.map(fieldOf))]).toEqual([field])
})

it('takes labels that only look dangerous', () => {
  const { parsed } = parse({ ...least, labels: { constructor: 'a', toString: 'b', _x: 'quote " and \\ and {}' } })

  expect(Object.entries(parsed?.registration.labels ?? {})).toEqual([
    ['_x', 'quote " and \\ and {}'],
    ['constructor', 'a'],
    ['toString', 'b'],
  ])
})

it('answers a flood of unknown fields with few problems', () => {
  const flood = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field${index}`, index]))

  const { problems } = parse({ ...least, ...flood })

  expect(problems).toHaveLength(21)
  expect(problems.at(-1)?.value).toBe('5000 unknown fields')
})

it('does not look into what it does not know, however deep', () => {
  const deep: unknown = JSON.parse('['.repeat(30_000) + ']'.repeat(30_000))

  const { problems } = parse({ ...least, labels: { a: deep }, nope: deep })

  expect(problems.map(({ value }) => value)).toEqual(['a list of 1', 'a list of 1'])
})

it('keeps the name that an address was resolved from', () => {
  const { parsed } = parse({ ...least, address: 'Worker-7.Example:9250' })

  expect(withHostAddress(parsed!, '10.0.0.9')).toMatchObject({ address: '10.0.0.9:9250', host: 'worker-7.example' })
  expect(withHostAddress(parsed!, 'fd00::9').address).toBe('[fd00::9]:9250')
})
