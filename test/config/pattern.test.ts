import { describe, expect, it } from 'vitest'
import { compilePattern, pattern } from '../../src/config/pattern.ts'
import { ConfigError } from '../../src/runtime/errors.ts'

/** Patterns that stall or break other engines; each must either be refused or stay fast. */
const hostile = [
  '(a+)+$',
  '(a|aa)+$',
  '(a|a?)+$',
  '(.*a){25}',
  '(a?){250}a{250}',
  '(x+x+)+y',
  '(.*){1,1000}',
  '([a-zA-Z]+)*$',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '(a{1,1000}){1,1000}',
  '((a{1000}){1000}){1000}',
  '[a-z]{1,1000}.*[a-z]{1,1000}',
  '(?:a{0,1000}){0,1}',
  '(a|b|c)*'.repeat(50),
  '((((a{1,10}){1,10}){1,10}){1,10}){1,10}',
  '\\pL{1000}',
  '(\\p{L}|\\p{N}){500}',
  '(?i)(\\pL{1,300})',
  '.*.*.*.*.*.*.*.*.*.*x',
  '[ab]*a[ab]{400}c',
  '([ab]*a[ab]{20}){10}c',
  '(?i)[ab]*a[ab]{900}',
  '(?:a|b|ab|ba){300}',
  '('.repeat(512),
  'a'.repeat(512),
  '[^a]*'.repeat(100),
  '(a*)*b',
  '(?s).*(?s).*(?s).*b',
  '\\x{10FFFF}{500}',
  '(\\w+\\s?)*$',
]

describe('a pattern', () => {
  it.each([
    ['orders', 'orders', true],
    ['orders', 'orders-v2', false],
    ['orders', 'my-orders', false],
    ['a|ab', 'ab', true],
    ['orders.*', 'orders-v2', true],
    ['.*', '', true],
    ['.*', 'with\nline end', true],
    ['a.b', 'a\nb', true],
    ['(?i)ORDERS', 'orders', true],
    ['^orders$', 'orders', true],
    ['', '', true],
    ['', 'x', false],
  ])('%j on %j gives %s: it must match the whole name', (text, name, matches) => {
    const decide = compilePattern(text)

    expect(decide(name)).toBe(matches)
    expect(decide(name)).toBe(matches)
  })

  it.each([
    ['(', 'missing closing )'],
    ['[a', 'missing closing ]'],
    ['*', 'missing argument to repetition operator'],
    ['(?=a)', 'invalid or unsupported Perl syntax'],
    ['(?<=a)b', 'invalid named capture'],
    ['(a)\\1', 'invalid escape sequence'],
    ['a**', 'invalid nested repetition operator'],
    ['a{1001}', 'invalid repeat count'],
    ['(a{1000}|b{1000}).*', 'its repeats make it too large'],
    ['a'.repeat(513), '513 characters, expected at most 512'],
  ])('%s is refused: %s', (text, problem) => {
    expect(() => compilePattern(text)).toThrow(ConfigError)
    expect(() => compilePattern(text)).toThrow(problem)
  })

  it('does not quote the pattern when it is refused', () => {
    const result = pattern().safeParse('(canary')

    expect(result.error?.issues[0]?.message).not.toContain('canary')
  })

  it.each(hostile)('%s is refused or decides in time', (text) => {
    const names = ['a'.repeat(1024), `${'ab'.repeat(400)}!`, 'x'.repeat(249), 'a'.repeat(32_767)]
    const startedAt = performance.now()
    let decide: ((name: string) => boolean) | undefined
    try {
      decide = compilePattern(text)
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
    }
    const compiledAt = performance.now()
    for (const name of names) decide?.(name)

    // Generous for a busy machine: a backtracking engine needs years for some of these.
    expect(compiledAt - startedAt).toBeLessThan(500)
    expect(performance.now() - compiledAt).toBeLessThan(1000)
  })

  it('matches names of more than 1,024 characters only by .*', () => {
    expect(compilePattern('.*')('a'.repeat(1025))).toBe(true)
    expect(compilePattern('a*')('a'.repeat(1025))).toBe(false)
  })

  it('stays right when it has seen more names than it remembers', () => {
    const decide = compilePattern('n-.*[05]')
    let wrong = 0
    for (let index = 0; index < 60_000; index++) if (decide(`n-${index}`) !== (index % 5 === 0)) wrong++

    expect(wrong).toBe(0)
    expect(decide('n-5')).toBe(true)
  })
})
