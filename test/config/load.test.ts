import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { load, problemsOf } from './sample-schema.ts'

const directory = mkdtempSync(join(tmpdir(), 'lagkeeper-load-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('loadConfig()', () => {
  it.each([
    ['', ''],
    ['a comment', '# nothing'],
    ['a marker', '---\n'],
  ])('takes an empty file (%s) as all defaults', (_, yaml) => {
    expect(load(yaml)).toEqual({ interval: 15_000 })
  })

  it('fills in defaults and follows aliases', () => {
    const config = load('servers: [ &one { name: a, retries: 1 } ]\ninterval: 1m\n')

    expect(config).toEqual({ interval: 60_000, servers: [{ name: 'a', retries: 1, verify: true }] })
  })

  it.each([
    ['a missing value', 'servers: [ {} ]', 'servers[0].name (1:12): missing, expected a name'],
    ['no value', 'servers:\n', 'servers (1:9): empty, expected a list'],
    ['a list for a mapping', '- 1', '(1:1): a list, expected a mapping'],
    ['text for the whole', 'hello', '(1:1): text, expected a mapping'],
    ['an empty list', 'servers: []', 'servers (1:10): empty, expected at least one entry'],
    ['text for a list', 'servers: a', 'servers (1:10): text, expected a list'],
    [
      'a number out of range',
      'servers: [ { name: a, retries: 10 } ]',
      'servers[0].retries (1:32): 10, expected at most 9',
    ],
    ['a fraction', 'servers: [ { name: a, retries: 1.5 } ]', 'servers[0].retries (1:32): 1.5, expected a whole number'],
    ['not a number', 'servers: [ { name: a, retries: .nan } ]', 'servers[0].retries (1:32): .nan, expected a number'],
    [
      'text for a truth value',
      'servers: [ { name: a, verify: "yes" } ]',
      'servers[0].verify (1:31): "yes", expected true or false',
    ],
    ['a word that is near', 'color: gren', 'color (1:8): "gren", expected one of red, green; did you mean "green"?'],
    [
      'a bare number as duration',
      'interval: 15',
      'interval (1:11): 15, expected a duration from 1s to 1h such as "15s", "1m30s" or "500ms"',
    ],
    ['an unknown option', 'intervall: 1s', 'intervall (1:1): unknown option, did you mean "interval"?'],
    [
      'a far option',
      'servers: [ { name: a, xyz: 1 } ]',
      'servers[0].xyz (1:23): unknown option, expected one of name, password, password_file, ca_file, retries, verify',
    ],
    [
      'a merge key',
      'servers: [ { <<: { name: a }, name: b } ]',
      'servers[0].<< (1:14): unknown option, expected one of name, password, password_file, ca_file, retries, verify',
    ],
    [
      'the same name twice',
      'servers: [ { name: a }, { name: a } ]',
      'servers[1].name (1:33): "a", given twice, expected a name of its own',
    ],
    ['a duplicate key', 'interval: 1s\ninterval: 2s', 'interval (2:1): given twice, expected once'],
    ['a __proto__ key', '__proto__: { interval: 1s }', '(1:1): the key "__proto__" is refused'],
    ['a quoted __proto__ key', '"__proto__": 1', '(1:1): the key "__proto__" is refused'],
    [
      'a constructor key',
      'constructor: 1',
      'constructor (1:1): unknown option, expected one of interval, color, servers',
    ],
    ['a number as key', '1: a', '(1:1): a key that is not text, expected the name of an option'],
    ['a mapping as key', '{ a: b }: c', '(1:1): a key that is not text, expected the name of an option'],
    [
      'an unset variable',
      `color: \${COLOR}`,
      `color (1:8): environment variable "COLOR" is not set, expected a value or a default as in "\${COLOR:-text}"`,
    ],
    [
      'a reference without end',
      `color: "\${COLOR"`,
      `color (1:8): a reference without name or end, expected "\${NAME}", or "$\${" for the text itself`,
    ],
    [
      'a reference with a bad name',
      `color: "\${1}"`,
      `color (1:8): a reference without name or end, expected "\${NAME}", or "$\${" for the text itself`,
    ],
  ])('reports %s', (_, yaml, problem) => {
    expect(problemsOf(yaml)).toEqual([problem])
  })

  it.each([
    ['tabs', 'servers:\n\t- name: a', '(2:1): a tab in the indentation, expected spaces'],
    ['an open quote', 'color: "red', '(1:12): a closing quote or bracket, a comma or a colon is missing'],
    ['a second document', 'color: red\n---\ncolor: red', '(2:1): a second document, expected one'],
    ['a tag', 'color: !red x', '(1:8): a tag, expected a plain value, or quotes around one that starts with "!"'],
    [
      'binary',
      'color: !!binary aGk=',
      '(1:8): a tag, expected a plain value, or quotes around one that starts with "!"',
    ],
    ['a directive', '%YAML 1.1\n---\ncolor: red', '(1:1): a directive, expected none: the file is YAML 1.2'],
    [
      'an alias without anchor',
      'color: *red',
      'color (1:8): an alias without its anchor, expected a value that starts with "*" in quotes',
    ],
    ['two keys in a line', 'color: red: blue', '(1:8): a second ": " in one line, expected the value in quotes'],
    ['a reserved character', 'color: @red', '(1:8): this character cannot start a value, expected the value in quotes'],
    ['a control character', 'color: re\u0000d', '(1:10): a control character, expected text'],
    ['deep brackets', `color: ${'['.repeat(400_000)}`, '(1:264): nested too deep, expected at most 64 levels'],
    ['deep markers', `${'- '.repeat(400_000)}x`, '(1:1): nested too deep, expected at most 64 levels'],
    [
      'an alias in itself',
      'servers: &a [ *a ]',
      '(1:15): more than 50000 values or 64 levels once aliases are followed',
    ],
  ])('refuses YAML with %s', (_, yaml, problem) => {
    expect(problemsOf(yaml)[0]).toBe(problem)
  })

  it('stops an alias bomb', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level + 1}: &l${level + 1} [${Array(10).fill(`*l${level}`).join()}]`,
    )
    const startedAt = performance.now()

    const problems = problemsOf(`l0: &l0 x\n${levels.join('\n')}\n`)

    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('more than 50000 values')
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })

  it('survives every prefix of a file, as half-written ones are', () => {
    const whole =
      'interval: 1m\nservers:\n  - { name: "a", password: \'x\', verify: true }\n  - name: b\n    retries: 1\n'
    for (let length = 0; length < whole.length; length++) problemsOf(whole.slice(0, length))

    expect(problemsOf(whole)).toEqual([])
  })

  it('reports everything at once, in the order of the file', () => {
    const problems = problemsOf(
      `intervall: 1s\ncolor: blue\nservers:\n  - { name: A, verify: 1, nope: 2 }\n  - { name: "\${X}" }\n`,
    )

    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'intervall (1',
      'color (2',
      'servers[0].name (4',
      'servers[0].verify (4',
      'servers[0].nope (4',
      'servers[1].name (5',
    ])
  })

  it('names the file in every problem', () => {
    const path = join(directory, 'bad.yaml')
    writeFileSync(path, 'intervall: 1s\ncolor: blue\n')

    expect(problemsOf('', { file: path, text: undefined })).toEqual([
      `${path}: intervall (1:1): unknown option, did you mean "interval"?`,
      `${path}: color (2:8): "blue", expected one of red, green`,
    ])
    expect(problemsOf('', { file: '/nowhere/x.yaml' })).toEqual(['/nowhere/x.yaml: no such file'])
  })
})

describe('flags over the file', () => {
  const overlay = [{ path: ['interval'], value: '2s', flag: '--interval' }]

  it('win', () => {
    expect(load('interval: 1m', { overlay }).interval).toBe(2000)
    expect(load('', { overlay }).interval).toBe(2000)
  })

  it('are named when they are wrong', () => {
    const wrong = [{ path: ['interval'], value: '2', flag: '--interval' }]

    expect(problemsOf('color: x', { overlay: wrong })).toEqual([
      '--interval: "2", expected a duration from 1s to 1h such as "15s", "1m30s" or "500ms"',
      'color (1:8): "x", expected one of red, green',
    ])
  })

  it('can refuse an option of the file', () => {
    const excluding = [{ path: ['servers'], value: [{ name: 'a' }], flag: '--server', excludesFile: true as const }]

    expect(load('', { overlay: excluding }).servers?.[0]?.name).toBe('a')
    expect(problemsOf('servers: [ { name: b } ]', { overlay: excluding })).toEqual([
      'servers (1:1): given beside --server, expected only one of them',
    ])
  })
})
