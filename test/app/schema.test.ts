import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { type Config, configSchema } from '../../src/app/schema.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type Located, nodeAt } from '../../src/config/located.ts'
import { type Shape, shapeOf } from '../../src/config/shape.ts'
import { parseYaml } from '../../src/config/yaml-text.ts'
import { ConfigError } from '../../src/runtime/errors.ts'
import { optionsOf, referenceTable } from './option-list.ts'

const root = join(import.meta.dirname, '../..')
const example = readFileSync(join(root, 'config/example.yaml'), 'utf8')
const options = optionsOf(shapeOf(configSchema))
const env = { KAFKA_PASSWORD: 'k', ZOOKEEPER_PASSWORD: 'z', REGISTRATION_TOKEN: 't' }

const directory = mkdtempSync(join(tmpdir(), 'lagkeeper-schema-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function load(text: string, from: Readonly<Record<string, string>> = env): Config {
  return loadConfig(configSchema, { text, env: from })
}

function problemsOf(text: string, from: Readonly<Record<string, string>> = env): readonly string[] {
  try {
    load(text, from)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

/** Paths of everything written in a tree, as `optionsOf` writes them. */
function pathsIn(node: Located | undefined, path = ''): string[] {
  if (node?.kind === 'list') return node.items.flatMap((item) => pathsIn(item, `${path}[]`))
  if (node?.kind !== 'map') return []
  return [...node.entries].flatMap(([key, entry]) => {
    const here = path === '' ? key : `${path}.${key}`
    return [here, ...pathsIn(entry.node, here)]
  })
}

describe('the shipped configurations', () => {
  it('example.yaml loads', () => {
    copyFileSync(join(root, 'config/example.yaml'), join(directory, 'example.yaml'))
    for (const name of ['ca.pem', 'client.pem', 'client-key.pem']) {
      writeFileSync(join(directory, name), 'pem')
      chmodSync(join(directory, name), 0o600)
    }

    const config = loadConfig(configSchema, { file: join(directory, 'example.yaml'), env })

    expect(config.kafka[0]).toMatchObject({ name: 'main', interval: 30_000, request_timeout: 5000 })
    const sasl = config.kafka[0]?.sasl
    expect(sasl?.mechanism === 'SCRAM-SHA-512' && sasl.password.reveal()).toBe('k')
    expect(config.zookeeper?.auth?.password.reveal()).toBe('z')
    expect(inspect(config, { depth: 9 })).not.toContain("'k'")
  })

  it('minimal.yaml loads, and everything else has a default', () => {
    const config = loadConfig(configSchema, { file: join(root, 'config/minimal.yaml'), env: {} })

    expect(config).toMatchObject({
      web: { listen_address: { port: 10_390 } },
      interval: 15_000,
      kafka: [{ name: 'main', bootstrap: ['broker1:9092'], interval: 15_000, internal_topics: false }],
      storage: { path: './data' },
      registration: { default_lease: 30_000 },
      objectives: [],
      log: { level: 'info', format: 'auto' },
    })
    expect(config.zookeeper).toBeUndefined()
    expect(config.kafka[0]?.consumers.map((rule) => [rule.match.text, rule.no_position])).toEqual([['.*', 'ignore']])
  })
})

describe('the documentation of the options', () => {
  const everything = example.replace(/^(\s*)#(?=\w+:)/gm, '$1')
  const parsed = parseYaml(everything)

  it('has every option in example.yaml, and no other', () => {
    expect(new Set(pathsIn(parsed.root))).toEqual(new Set(options.map(({ path }) => path)))
    expect(parsed.problems).toEqual([])
  })

  it('gives the default or "Required" above every option of example.yaml', () => {
    const lines = everything.split('\n')
    const blocks = new Set(['web', 'storage', 'registration', 'log'])
    const bare = options.filter(({ path, shape }) => {
      const node = nodeAt(parsed.root ?? fail(), stepsOf(path.split('.').slice(0, -1).join('.')))
      const at = node?.kind === 'map' ? node.entries.get(path.split('.').at(-1) ?? '')?.at : undefined
      const line = at !== undefined && 'line' in at ? at.line - 1 : 0
      let first = line
      while (/^\s*(- )?#/.test(lines[first - 1] ?? '')) first--
      const comment = lines.slice(first, line).join(' ').replaceAll(/\s*#/g, '')
      return !blocks.has(path) && !isDocumented(comment, shape)
    })

    expect(bare.map(({ path }) => path)).toEqual([])
  })

  it('describes every option in the schema', () => {
    expect(options.filter(({ shape }) => !shape.description?.endsWith('.')).map(({ path }) => path)).toEqual([])
  })

  it('has the reference in docs/configuration.md (vitest -u writes it)', async () => {
    const page = join(root, 'docs/configuration.md')
    const [before = '', after = ''] = readFileSync(page, 'utf8').split(/<!-- reference -->.*<!-- \/reference -->/s)
    const table = `<!-- reference -->\n\n${referenceTable(options)}\n\n<!-- /reference -->`

    await expect(`${before}${table}${after}`).toMatchFileSnapshot(page)
  })
})

function isDocumented(comment: string, shape: Shape): boolean {
  if (shape.isRequired) return comment.includes('Required')
  if (shape.default === undefined || typeof shape.default === 'object') return comment.includes('Default: ')
  const { default: value } = shape
  return [`Default: ${String(value)}`, `Default: ${JSON.stringify(value)}`].some((text) => comment.endsWith(text))
}

/** `kafka[].tls` as steps into the first entry of each list. */
function stepsOf(path: string): (string | number)[] {
  return path === '' ? [] : path.split('.').flatMap((part) => (part.endsWith('[]') ? [part.slice(0, -2), 0] : [part]))
}

function fail(): never {
  throw new Error('example.yaml does not parse')
}

describe('the schema', () => {
  const pem = join(directory, 'some.pem')
  writeFileSync(pem, 'pem', { mode: 0o600 })
  const kafka = (more: string): string => `kafka: [ { name: main, bootstrap: "b:1", ${more} } ]`

  it.each([
    ['a name that is no label', 'kafka: [ { name: "a b", bootstrap: "b:1" } ]', 'kafka[0].name'],
    ['one name twice', 'kafka: [ { name: a, bootstrap: "b:1" }, { name: a, bootstrap: "c:1" } ]', 'kafka[1].name'],
    ['no brokers', 'kafka: [ { name: a } ]', 'kafka[0].bootstrap'],
    ['a broker without port', 'kafka: [ { name: a, bootstrap: [ b ] } ]', 'kafka[0].bootstrap[0]'],
    ['no cluster in the list', 'kafka: []', 'kafka'],
    ['too short an interval', 'interval: 10ms', 'interval'],
    ['a certificate without key', kafka(`tls: { cert_file: ${pem} }`), 'kafka[0].tls.key_file'],
    ['a key without certificate', kafka(`tls: { key_file: ${pem} }`), 'kafka[0].tls.cert_file'],
    ['a CA file that is missing', kafka('tls: { ca_file: /nowhere }'), 'kafka[0].tls.ca_file'],
    ['a typo in tls', kafka('tls: { cert_filse: x }'), 'kafka[0].tls.cert_filse'],
    ['an unknown mechanism', kafka('sasl: { mechanism: NTLM, username: u, password: p }'), 'kafka[0].sasl.mechanism'],
    ['no password', kafka('sasl: { mechanism: PLAIN, username: u }'), 'kafka[0].sasl.password'],
    ['an empty password', kafka('sasl: { mechanism: PLAIN, username: u, password: "" }'), 'kafka[0].sasl.password'],
    ['a pattern that is none', kafka('consumers: [ { match: "(" } ]'), 'kafka[0].consumers[0].match'],
    ['a rule without pattern', kafka('consumers: [ {} ]'), 'kafka[0].consumers[0].match'],
    [
      'an option that nothing reads',
      kafka('consumers: [ { match: a, offsets: topic } ]'),
      'kafka[0].consumers[0].offsets',
    ],
    [
      'a granularity that is none',
      kafka('consumers: [ { match: a, granularity: row } ]'),
      'kafka[0].consumers[0].granularity',
    ],
    ['names of an exporter that has none here', 'exposition: { compat: [ burrow ] }', 'exposition.compat[0]'],
    ['a limit that hides everything', 'exposition: { max_series: 10 }', 'exposition.max_series'],
    ['a topic pattern that is none', kafka('topics: { exclude: [ "[" ] }'), 'kafka[0].topics.exclude[0]'],
    ['a listen address without port', 'web: { listen_address: localhost }', 'web.listen_address'],
    ['servers that are none', 'zookeeper: { connect: "zk:99999" }', 'zookeeper.connect'],
    ['a path that is none', 'zookeeper: { connect: "zk:1/a//b" }', 'zookeeper.connect'],
    [
      'a user with a colon',
      'zookeeper: { connect: zk, auth: { username: "a:b", password: x } }',
      'zookeeper.auth.username',
    ],
    ['bits behind the prefix', 'registration: { allowed_cidrs: [ 10.0.0.1/8 ] }', 'registration.allowed_cidrs[0]'],
    ['a lease that is too short', 'registration: { default_lease: 1s }', 'registration.default_lease'],
    ['a negative promise', 'objectives: [ { consumer: a, records: -1, owner: o } ]', 'objectives[0].records'],
    ['a promise of nobody', 'objectives: [ { consumer: a, records: 1 } ]', 'objectives[0].owner'],
    ['an unknown level', 'log: { level: trace }', 'log.level'],
    ['a demo beside clusters', `${kafka('')}\ndemo: true`, 'demo'],
  ])('refuses %s with its path', (_, text, path) => {
    const problems = problemsOf(text)

    expect(problems).toHaveLength(1)
    expect(problems[0]?.split(' ')[0]).toBe(path)
  })

  it('gives a cluster the interval of the file unless it has its own', () => {
    const config = load(
      'interval: 20s\nkafka: [ { name: a, bootstrap: "b:1" }, { name: b, bootstrap: "b:1", interval: 1m } ]',
    )

    expect(config.kafka.map(({ interval }) => interval)).toEqual([20_000, 60_000])
  })
})
