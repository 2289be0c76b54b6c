import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { effectiveConfig, parseFlags } from '../../src/app/flags.ts'
import { parseRegisterArguments } from '../../src/commands/register-arguments.ts'
import { type FieldProblem, membersOf } from '../../src/targets/field-problem.ts'
import { parseIdentity, splitId } from '../../src/targets/identity.ts'
import { parseRegistration } from '../../src/targets/parse-registration.ts'
import { parseBatchItem } from '../../src/targets/registration-document.ts'
import { curlCalls, recipeFences, registerArguments } from './fences.ts'

const fences = recipeFences()
const inLanguage = (...languages: readonly string[]) =>
  fences.filter(({ language }) => languages.includes(language)).map((fence) => [fence.at, fence] as const)
const script = readFileSync(join(import.meta.dirname, '../../docs/recipes/register.sh'), 'utf8')
const documented = script.slice(0, script.indexOf('\n\n')).match(/LAGKEEPER_\w+/g)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lagkeeper-docs-'))
  writeFileSync(join(folder, 'token'), 'secret', { mode: 0o600 })
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What the place of use fills in. */
function filledIn(args: readonly string[]): readonly string[] {
  return args.map((arg) =>
    arg
      .replace(/^--token-file=.*/, `--token-file=${join(folder, 'token')}`)
      .replace('$(POD_IP)', '10.0.0.7')
      .replaceAll(/\$\(\w+\)|\$\w+|%H/g, 'word'),
  )
}

it('has blocks of each kind', () => {
  const languages = new Set(fences.map(({ language }) => language))

  expect([...languages].sort()).toEqual(['ini', 'json', 'properties', 'python', 'sh', 'ts', 'yaml'])
})

describe('YAML', () => {
  it.each(inLanguage('yaml'))('%s can be read', (_, { text }) => {
    const documents = parseAllDocuments(text)

    expect(documents.flatMap(({ errors }) => errors.map(String))).toEqual([])
    for (const document of documents) expect(membersOf(document.toJS())).toBeDefined()
  })

  it('has a configuration in it that the daemon takes', () => {
    const texts = manifests().flatMap((manifest) => Object.values(Object(manifest['data'])).map(String))

    expect(texts).toHaveLength(1)
    for (const text of texts) {
      const path = join(folder, 'lagkeeper.yaml')
      writeFileSync(path, text.replace(/(?<=_file: )\S+/g, join(folder, 'token')))
      const { config } = effectiveConfig(parseFlags([`--config.file=${path}`]), {})
      expect(config.web.listen_address.port).toBe(10_390)
    }
  })

  it('has arguments for Lagkeeper in containers that it takes', () => {
    const lists = manifests().flatMap((manifest) => containersIn(manifest).flatMap(({ args }) => [args]))
    const given = lists.filter((args) => args.length > 0)

    expect(given).toHaveLength(2)
    for (const [first = '', ...rest] of given) {
      if (first === 'register') expect(parseRegisterArguments(filledIn(rest)).command).toEqual([])
      else expect(parseFlags([first, ...rest]).help).toBe(false)
    }
  })
})

function manifests(): readonly Readonly<Record<string, unknown>>[] {
  const page = fences.filter(({ at }) => at.startsWith('recipes/kubernetes.md'))
  const found: Readonly<Record<string, unknown>>[] = []
  for (const { text } of page)
    for (const document of parseAllDocuments(text)) {
      const members = membersOf(document.toJS())
      if (members !== undefined) found.push(members)
    }
  return found
}

function containersIn(manifest: Readonly<Record<string, unknown>>): readonly { readonly args: readonly string[] }[] {
  const spec = Object(Object(Object(manifest['spec'])['template'])['spec'])
  return [...(spec['initContainers'] ?? []), ...(spec['containers'] ?? [])].map(({ args = [] }) => ({ args }))
}

it.each(inLanguage('json'))('%s is JSON', (_, { text }) => {
  expect(() => JSON.parse(text)).not.toThrow()
})

it.each(inLanguage('ini'))('%s has sections, options and comments only', (_, { text }) => {
  for (const line of text.split('\n')) expect(line).toMatch(/^$|^#|^\[\w+\]$|^[A-Z]\w+=/)
})

it.each(inLanguage('properties'))('%s has a name and a value on every line', (_, { text }) => {
  for (const line of text.trim().split('\n')) expect(line).toMatch(/^spark\.\S+ \S.*$/)
})

it.each(inLanguage('python'))('%s is Python', (_, { text }) => {
  const { stderr } = spawnSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], {
    input: text,
    encoding: 'utf8',
  })

  expect(stderr).toBe('')
})

describe('shell', () => {
  it.each(inLanguage('sh'))('%s can be read by a shell', (_, { text }) => {
    expect(spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' }).stderr).toBe('')
  })

  it('names only variables that the head of the script explains', () => {
    const named = fences.flatMap(({ text }) => text.match(/\bLAGKEEPER_\w+/g) ?? [])

    expect(named.length).toBeGreaterThan(10)
    for (const name of new Set(named)) expect(documented).toContain(name)
  })
})

describe('arguments of lagkeeper register', () => {
  const all = fences.flatMap((fence) =>
    registerArguments(fence).map((args) => [`${fence.at} ${args[0]}`, args] as const),
  )

  it('are found', () => {
    expect(all.length).toBeGreaterThanOrEqual(8)
  })

  it.each(all)('%s are right', (_, args) => {
    expect(parseRegisterArguments(filledIn(args)).registrant.namespace).toBe('payments')
  })
})

describe('bodies for curl', () => {
  const all = fences.flatMap(({ at, text }) => curlCalls(text).map((call) => [`${at} ${call.path}`, call] as const))

  it('are found', () => {
    expect(all.length).toBeGreaterThanOrEqual(4)
  })

  it.each(all)('%s are accepted', (_, { path, body }) => {
    const problems: FieldProblem[] = []
    const [, , kind, namespace, app, role, instance] = path.split('/')
    if (kind === 'heartbeats') {
      for (const item of Array.isArray(body) ? body : [])
        expect(splitId(typeof item === 'string' ? item : item.id)).toBeDefined()
    } else if (Array.isArray(body)) {
      for (const item of body) expect(parseBatchItem(item, problems)).toBeDefined()
    } else {
      const identity = parseIdentity({ namespace, app, role, instance }, problems)
      expect(identity && parseRegistration(body, identity, problems)).toBeDefined()
    }
    expect(problems).toEqual([])
  })
})
