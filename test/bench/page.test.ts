import { describe, expect, it } from 'vitest'
import { parsePage } from '../../bench/conformance/page.ts'

describe('the reader of pages of the conformance kit', () => {
  it.each([
    ['a plain line', 'a 1\n', [{ name: 'a', labels: {}, value: '1' }]],
    ['no final newline', 'a 1', [{ name: 'a', labels: {}, value: '1' }]],
    [
      'blanks, a trailing comma and a timestamp',
      'a { b = "c" , } 2  1700000000000\n',
      [{ name: 'a', labels: { b: 'c' }, value: '2' }],
    ],
    [
      'an exemplar and the end of OpenMetrics',
      'a_total{b="c"} 3 # {id="x"} 1\n# EOF\n',
      [{ name: 'a_total', labels: { b: 'c' }, value: '3' }],
    ],
    ['escapes', 'a{b="\\\\ \\" \\n \\t"} 4\n', [{ name: 'a', labels: { b: '\\ " \n \\t' }, value: '4' }]],
    [
      'what looks like a series inside a label',
      'a{b="{a=\\"b\\"} 1",c=",d:e"} 5\n',
      [{ name: 'a', labels: { b: '{a="b"} 1', c: ',d:e' }, value: '5' }],
    ],
    [
      'control characters as they are',
      'a{b="\u0000\r\n\t"} 6\n',
      [{ name: 'a', labels: { b: '\u0000\r\n\t' }, value: '6' }],
    ],
  ])('reads %s', (_, text, samples) => {
    expect(parsePage(`# HELP a b {c="d"} 1\n\n${text}`)).toEqual(samples)
  })

  it.each(['{a="b"} 1', 'a{b=c} 1', 'a{b="c} 1\n', 'a\n', 'a{b="c"}'])('says where %j is no sample', (text) => {
    expect(() => parsePage(`ok 1\n${text}`)).toThrow(/^Read page, line \d+: .*expected/)
  })
})
