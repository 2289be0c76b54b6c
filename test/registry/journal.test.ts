import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createJournal, type Journal } from '../../src/registry/journal.ts'
import type { JournalRecord } from '../../src/registry/record-file.ts'
import { recover, wholeRecord } from '../../src/registry/recover.ts'
import { ConfigError } from '../../src/runtime/errors.ts'
import { silentLogger } from '../../src/runtime/logger.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-journal-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

function record(order: number): JournalRecord {
  return { order, body: JSON.stringify({ value: `number ${order}, "ä💥\n"` }) }
}

function journalOf(contents: readonly JournalRecord[] = [], lastOrder = 0): Journal {
  return createJournal({ folder, contents: () => contents, isWhole: () => true, lastOrder, logger: silentLogger })
}

async function read() {
  const orders: number[] = []
  const recovered = await recover(folder, (_, order) => orders.push(order))
  return { orders, ...recovered }
}

it('reads back snapshot and journal, in order and once', async () => {
  const journal = journalOf([record(3), record(7)], 9)
  await journal.append([record(10), record(11)])
  await journal.append([record(12)])
  await journal.close()

  expect(await read()).toEqual({ orders: [3, 7, 10, 11, 12], lastOrder: 12, isWhole: true, damaged: 0 })
})

it('finds nothing in an empty folder', async () => {
  expect(await read()).toEqual({ orders: [], lastOrder: 0, isWhole: false, damaged: 0 })
})

it('lets only its own user read the files', async () => {
  await writeFile(join(folder, 'registry.snapshot.tmp'), 'left over', { mode: 0o666 })
  const journal = journalOf()
  await journal.append([record(1)])
  await journal.close()

  for (const name of ['registry.snapshot', 'registry.journal'])
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
})

it('survives a cut at every byte of the journal', async () => {
  const journal = journalOf([record(1)], 1)
  await journal.append([record(2), record(3), record(4)])
  await journal.close()
  const path = join(folder, 'registry.journal')
  const bytes = await readFile(path)

  for (let length = 0; length <= bytes.length; length++) {
    await writeFile(path, bytes.subarray(0, length))
    const wholeLines = bytes.subarray(0, length).filter((byte) => byte === 10).length
    const { orders, damaged } = await read()

    expect(orders).toEqual([1, 2, 3, 4].slice(0, Math.max(1, wholeLines)))
    expect(damaged).toBe(0)
  }
})

it('sees a snapshot that was cut at any byte, and keeps what can be read', async () => {
  const journal = journalOf([record(1), record(2)], 2)
  await journal.append([record(3)])
  await journal.close()
  const path = join(folder, 'registry.snapshot')
  const bytes = await readFile(path)

  for (let length = 1; length < bytes.length; length++) {
    await writeFile(path, bytes.subarray(0, length))
    const { orders, isWhole } = await read()

    expect(isWhole).toBe(false)
    expect(orders).toContain(3)
  }
})

it('sees every flipped bit of a snapshot, and loses no more than the lines it touches', async () => {
  const journal = journalOf([record(1), record(2)], 2)
  await journal.append([record(3)])
  await journal.close()
  for (const name of ['registry.snapshot', 'registry.journal']) {
    const path = join(folder, name)
    const bytes = await readFile(path)
    for (let at = 0; at < bytes.length; at++) {
      const bent = Buffer.from(bytes)
      bent[at]! ^= 1 << (at % 8)
      await writeFile(path, bent)
      const { orders, isWhole } = await read()

      // A flipped newline touches two lines.
      expect(orders.length).toBeGreaterThanOrEqual(bytes[at] === 10 ? 1 : 2)
      if (name === 'registry.snapshot') expect(isWhole).toBe(false)
    }
    await writeFile(path, bytes)
  }
})

it('does not believe in records that were never acknowledged', async () => {
  const journal = journalOf()
  await journal.append([record(1), record(2)])
  await journal.close()
  const failed = await readFile(join(folder, 'registry.journal'))
  // What a failed append may leave: whole records behind the end of what was acknowledged.
  const again = journalOf([record(1)], 2)
  await again.append([record(3)])
  await again.close()
  const path = join(folder, 'registry.journal')
  await writeFile(path, Buffer.concat([await readFile(path), failed.subarray(failed.indexOf(10) + 1)]))

  expect((await read()).orders).toEqual([1, 3])
})

it('remembers that everything is there', async () => {
  const journal = createJournal({
    folder,
    contents: () => [],
    isWhole: () => false,
    lastOrder: 0,
    logger: silentLogger,
  })
  await journal.append([record(1)])
  expect((await read()).isWhole).toBe(false)

  await journal.append([wholeRecord(2)])
  await journal.close()

  expect(await read()).toEqual({ orders: [1], lastOrder: 2, isWhole: true, damaged: 0 })
})

it('does not touch what another version wrote', async () => {
  const journal = journalOf()
  await journal.append([record(1)])
  await journal.close()
  const { encodeRecord } = await import('../../src/registry/record-file.ts')
  const newer = encodeRecord({ order: 0, body: JSON.stringify({ format: 'lagkeeper-registry', version: 2 }) })
  await writeFile(join(folder, 'registry.snapshot'), newer)

  await expect(read()).rejects.toThrow(ConfigError)
})

describe('tidy()', () => {
  it('writes a snapshot once the journal is long', async () => {
    const long = { order: 1, body: JSON.stringify({ value: 'x'.repeat(9_000_000) }) }
    const journal = journalOf([record(2)], 0)
    await journal.append([long, record(2)])
    await journal.tidy()
    await journal.append([record(3)])
    await journal.close()

    expect((await stat(join(folder, 'registry.journal'))).size).toBeLessThan(1_000)
    expect((await read()).orders).toEqual([2, 3])
  })
})
