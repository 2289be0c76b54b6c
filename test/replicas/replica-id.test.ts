import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readReplicaId } from '../../src/replicas/replica-id.ts'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'

let folder = ''
const warnings: string[] = []
const logger: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-replica-id-'))
  warnings.length = 0
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('makes an id at the first start and keeps it, in a file of ours alone', async () => {
  const storage = join(folder, 'data')
  const id = await readReplicaId(storage, logger)

  expect(id).toMatch(/^[\da-f]{16}$/)
  expect(await readReplicaId(storage, logger)).toBe(id)
  expect(await readFile(join(storage, 'replica.id'), 'utf8')).toBe(`${id}\n`)
  expect((await stat(join(storage, 'replica.id'))).mode & 0o777).toBe(0o600)
  expect(await readReplicaId(join(folder, 'other'), logger)).not.toBe(id)
  expect(warnings).toEqual([])
})

it.each(['', 'words', '0123456789abcdef0', '../../../../etc/'])('replaces a file that holds "%s"', async (text) => {
  await writeFile(join(folder, 'replica.id'), text)

  const id = await readReplicaId(folder, logger)

  expect(id).toMatch(/^[\da-f]{16}$/)
  expect(await readReplicaId(folder, logger)).toBe(id)
  expect(warnings).toEqual(['File with the id of the replica is spoilt: it gets a new one'])
})

it('has an id of this process only without storage, and where nothing can be kept', async () => {
  expect(await readReplicaId(undefined, logger)).not.toBe(await readReplicaId(undefined, logger))
  expect(warnings).toEqual([])

  await mkdir(join(folder, 'replica.id'))
  const id = await readReplicaId(folder, logger)
  await writeFile(join(folder, 'file'), '')
  const another = await readReplicaId(join(folder, 'file', 'below'), logger)

  expect([id, another]).toEqual([expect.stringMatching(/^[\da-f]{16}$/), expect.stringMatching(/^[\da-f]{16}$/)])
  expect(warnings).toHaveLength(2)
})
