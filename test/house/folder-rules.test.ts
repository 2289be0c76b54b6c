import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { biomeConfig, mayImport, pure } from './folder-rules.ts'

const root = mkdtempSync(join(tmpdir(), 'lagkeeper-house-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Lints one planted file and returns the rules that it broke. */
function plant(file: string, text: string): string[] {
  const config = JSON.parse(biomeConfig())
  writeFileSync(join(root, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }))
  const path = join(root, file)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
  const biome = join(import.meta.dirname, '../../node_modules/.bin/biome')
  const run = spawnSync(biome, ['lint', '--reporter=json', path], { cwd: root, encoding: 'utf8' })
  rmSync(path)
  const report: { diagnostics: { category: string }[] } = JSON.parse(run.stdout)
  return report.diagnostics.map((found) => found.category)
}

describe('the house', () => {
  it('has exactly the folders of the table', () => {
    const folders = readdirSync(join(import.meta.dirname, '../../src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)

    expect(folders.filter((name) => !(name in mayImport))).toEqual([])
  })

  it('keeps biome.json as generated from the table', () => {
    const committed: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../biome.json'), 'utf8'))

    expect(committed).toEqual(JSON.parse(biomeConfig()))
  })

  it.each([
    ['src/lag/planted.ts', "import { x } from '../kafka/x.ts'\nexport const y = x\n"],
    ['src/positions/planted.ts', "import type { X } from '../registry/x.ts'\nexport type Y = X\n"],
    ['src/http/planted.ts', "import { x } from '../kafka/x.ts'\nexport const y = x\n"],
    ['src/model/planted.ts', "import { readFileSync } from 'node:fs'\nexport const y = readFileSync\n"],
    ['src/kafka-wire/planted.ts', "import { x } from '../runtime/clock.ts'\nexport const y = x\n"],
    ['src/collect/planted.ts', "import express from 'express'\nexport const y = express\n"],
  ])('catches a forbidden import planted in %s', (file, text) => {
    expect(plant(file, text)).toContain('lint/style/noRestrictedImports')
  })

  it.each([
    ['src/lag/planted.ts', "import { x } from '../model/x.ts'\nexport const y = x\n"],
    ['src/kafka-wire/planted.ts', "import { x } from '../runtime/errors.ts'\nexport const y = x\n"],
    ['src/collect/planted.ts', "import { x } from '../kafka/x.ts'\nexport const y = x\n"],
  ])('lets an allowed import pass in %s', (file, text) => {
    expect(plant(file, text)).not.toContain('lint/style/noRestrictedImports')
  })

  it('forbids node:* in every pure folder of the table', () => {
    expect(pure.filter((folder) => !(folder in mayImport))).toEqual([])
  })
})
