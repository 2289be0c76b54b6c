import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { faultIdOf, faultIds, notYet, tally } from '../faults/catalogue.ts'

const folder = join(import.meta.dirname, '../faults')
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(folder, name), 'utf8'))

describe('the catalogue of faults', () => {
  it('has a test for each of its faults, and no fault has a test that is not in it', () => {
    // In a list of faults, or as the first word of a test's name.
    const form = /^\s+(?:id: '|it\('|.*\)\('|'|`)([A-Z]\d\d)(?:',$| )/gm
    const written = sources.flatMap((source) => [...source.matchAll(form)].map(([, id]) => id))

    expect([...new Set(written)].toSorted()).toEqual(faultIds.filter((id) => !notYet.has(id)).toSorted())
  })

  it('skips none of them', () => {
    for (const source of sources) expect(source).not.toMatch(/\.(?:skip|todo|only|runIf|skipIf|fails)\b/)
  })

  it('has a row in the docs for each of its faults', () => {
    const docs = readFileSync(join(folder, '../../docs/faults.md'), 'utf8')

    expect(faultIds.filter((id) => !docs.includes(`| ${id} |`))).toEqual([])
  })

  it('counts what passed against all there are, and a fault with one failed test as failed', () => {
    expect(tally('C', new Set(['C01', 'C02', 'S01']), new Set())).toBe('C: 2 of 4')
    expect(tally('C', new Set(['C01', 'C02']), new Set(['C02']))).toBe('C: 1 of 4, failed C02')
    expect(tally('P', new Set(), new Set())).toBe('P: 0 of 6')
  })

  it('knows its tests by their names', () => {
    expect(['Z18 malformed', 'Z19 too many', 'Z1 short', 'class Z has its 18 faults'].map(faultIdOf)).toEqual([
      'Z18',
      undefined,
      undefined,
      undefined,
    ])
  })
})
