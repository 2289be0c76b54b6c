import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { load, problemsOf } from './sample-schema.ts'

const directory = mkdtempSync(join(tmpdir(), 'lagkeeper-load-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function put(name: string, content: string, mode = 0o600): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

describe('secrets in files', () => {
  it.each([
    ['s3cret', 's3cret'],
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    [' s3 cret \n\n', ' s3 cret \n'],
    [`\${NAME}`, `\${NAME}`],
  ])('reads %j as %j', (content, value) => {
    const path = put('secret', content)

    expect(load(`servers: [ { name: a, password_file: ${path} } ]`).servers?.[0]?.password?.reveal()).toBe(value)
  })

  it('finds files relative to the configuration', () => {
    put('beside', 's3cret')
    put('ca.pem', 'x', 0o644)
    const path = put('good.yaml', 'servers: [ { name: a, password_file: ./beside, ca_file: ca.pem } ]')

    const [one] = load('', { file: path }).servers ?? []

    expect(one?.password?.reveal()).toBe('s3cret')
    expect(one?.ca_file).toBe(join(directory, 'ca.pem'))
  })

  it.each([
    ['missing', () => join(directory, 'missing'), 'expected a readable file: no such file'],
    [
      'open to all',
      () => put('open', 'x', 0o644),
      'expected a readable file: mode 0644 lets every user at it, expected 0600 or 0400',
    ],
    [
      'open to the group',
      () => put('group', 'x', 0o640),
      'expected a readable file: mode 0640 lets its group at it, expected 0600 or 0400',
    ],
    ['empty', () => put('empty', '\n'), 'the file is empty, expected a secret in it'],
    ['a directory', () => directory, 'expected a readable file: a directory, expected a file'],
  ])('reports a file that is %s, once', (_, path, problem) => {
    const problems = problemsOf(`servers: [ { name: a, password_file: ${path()} } ]`)

    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^servers\[0\]\.password_file \(1:38\): /)
    expect(problems[0]).toContain(problem)
  })

  it('refuses the secret beside its file', () => {
    expect(problemsOf(`servers: [ { name: a, password: x, password_file: ${put('s', 'x')} } ]`)).toEqual([
      'servers[0].password_file (1:36): given beside "password", expected only one of them',
    ])
  })
})
