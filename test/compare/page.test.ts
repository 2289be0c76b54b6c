import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPageReader, type PageResult } from '../../src/compare/page.ts'

function read(text: string, most = 1000, pieces: readonly string[] = [text]): PageResult {
  const reader = createPageReader((name) => name === 'a', most)
  for (const piece of pieces) reader.push(piece)
  return reader.end()
}

function samplesOf(text: string): unknown[] {
  return read(text).samples.map(({ labels, value }) => [Object.fromEntries(labels), value])
}

describe('createPageReader()', () => {
  it.each<[string, string, unknown[]]>([
    ['plain labels', 'a{x="1",y="2"} 3\n', [[{ x: '1', y: '2' }, 3]]],
    ['no labels', 'a 3\n', [[{}, 3]]],
    ['empty brackets', 'a{} 3\n', [[{}, 3]]],
    ['a comma behind the last label', 'a{x="1",} 3\n', [[{ x: '1' }, 3]]],
    ['blanks everywhere', '  a { x = "1" , y = "2" }  3  \n', [[{ x: '1', y: '2' }, 3]]],
    ['a timestamp', 'a{x="1"} 3 1700000000000\n', [[{ x: '1' }, 3]]],
    ['an exemplar of OpenMetrics', 'a{x="1"} 3 1700000000.5 # {trace="t"} 1\n# EOF\n', [[{ x: '1' }, 3]]],
    [
      'the digits of Go',
      'a 1.234567890123e+12\na -1\na 0\n',
      [
        [{}, 1234567890123],
        [{}, -1],
        [{}, 0],
      ],
    ],
    [
      'what is no number',
      'a NaN\na +Inf\na -Inf\n',
      [
        [{}, Number.NaN],
        [{}, Infinity],
        [{}, -Infinity],
      ],
    ],
    ['escapes', 'a{x="q\\"b\\\\s\\nn\\t"} 3\n', [[{ x: 'q"b\\s\nn\\t' }, 3]]],
    ['brackets and hashes in a value', 'a{x="}#{"} 3\n', [[{ x: '}#{' }, 3]]],
    ['carriage returns', 'a{x="1"} 3\r\n', [[{ x: '1' }, 3]]],
    ['a last line without an end', 'a 3', [[{}, 3]]],
    ['other families and comments', '# HELP a b\n# TYPE a gauge\nab 1\nb{x="1"} 2\n\na 3\n', [[{}, 3]]],
  ])('reads %s', (_, text, expected) => {
    expect(samplesOf(text)).toEqual(expected)
  })

  it.each([
    'a{x="1" 3',
    'a{x="1} 3',
    'a{x=1} 3',
    'a{x="1",x="2"} 3',
    'a{="1"} 3',
    'a{x="1"}',
    'a{x="1"} three',
    'a{x="1"} 0x10',
    'a 1 2 3',
    'a{x="1"}} 3',
    `a{x="${'y'.repeat(70_000)}"} 3`,
    'a',
  ])('counts the broken line %#, and reads the others', (line) => {
    const page = read(`a 1\n${line}\na 2\n`)

    expect(page.samples.map(({ value }) => value)).toEqual([1, 2])
    expect([page.broken, page.firstBroken]).toEqual([1, line.slice(0, 120)])
  })

  it('reads the same however the text is cut', () => {
    const text = 'a{x="1\\n"} 3\nb 1\na{x="é😀"} 4 1700\na{x=} 5\na 6'
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.sort((one, other) => one - other), text.length]
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end))

        expect(read(text, 1000, pieces)).toEqual(read(text))
      }),
    )
  })

  it('keeps no more of an endless line than a few bytes, and goes on behind it', () => {
    const pieces = Array.from({ length: 1000 }, () => 'a{x="'.repeat(200))

    const page = read('', 10, [...pieces, '\na 1\n'])

    expect([page.samples.length, page.broken, page.firstBroken?.length]).toEqual([1, 1, 120])
  })

  it('says when there were more samples than it may keep', () => {
    expect(read('a 1\na 2\na 3\n', 2)).toMatchObject({ isCut: true, samples: { length: 2 } })
    expect(read('a 1\na 2\n', 2).isCut).toBe(false)
  })

  it('takes any bytes without an error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(() => read(`a${text}\n`)).not.toThrow()
      }),
    )
  })

  it('takes a hostile line in a moment', () => {
    const before = performance.now()
    read(`a{${'x="\\\\'.repeat(10_000)}\n${`a${' '.repeat(60_000)}x\n`.repeat(5)}a{${'x="1",'.repeat(10_000)}\n`)

    expect(performance.now() - before).toBeLessThan(500)
  })
})
