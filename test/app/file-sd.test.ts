import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createFileSd } from '../../src/app/file-sd.ts'
import { type FileSdConfig, fileSdSchema } from '../../src/app/file-sd-schema.ts'
import { buildPage } from '../../src/http/target-page.ts'
import type { Target } from '../../src/model/target.ts'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { isInSlice, type Slice } from '../../src/targets/slice.ts'
import { registrations, target } from '../targets/samples.ts'

let folder: string
let path: string
let stop: AbortController
let running: Promise<void> | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-file-sd-'))
  path = join(folder, 'targets.json')
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await running
  await rm(folder, { recursive: true, force: true })
})

/** A list that a test sets, and the service that writes it, which sleeps until the test lets it look again. */
function start(config: Partial<FileSdConfig> = {}, logger: Logger = silentLogger) {
  let targets: readonly Target[] | undefined
  let wake: () => void = () => undefined
  let slept: (ms: number) => void = () => undefined
  const sleep = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      wake = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
      slept(ms)
    })
  const page = (slice: Slice) =>
    targets === undefined ? undefined : buildPage(targets.filter((one) => isInSlice(one, slice)))
  const clock = { monotonic: () => 0, wall: () => 0, sleep }
  /** Lets it look once; how long it wants to sleep then, in milliseconds. */
  const look = async (shown?: readonly Target[]): Promise<number> => {
    targets = shown ?? targets
    const done = new Promise<number>((resolve) => {
      slept = resolve
    })
    if (running === undefined)
      running = createFileSd({ path, ...config }, { list: { page }, clock, logger }).run(stop.signal)
    wake()
    return done
  }
  running = undefined
  return { look }
}

const some = (count: number, overrides = {}) => registrations(count, overrides).map((one) => target(one))
const written = async (): Promise<string> => readFile(path, 'utf8')
const addresses = async (): Promise<readonly string[]> => {
  const groups: readonly { readonly targets: readonly string[] }[] = JSON.parse(await written())
  return groups.flatMap(({ targets }) => targets).toSorted()
}

describe('createFileSd', () => {
  it('writes nothing before there is a list, and leaves what a daemon before it wrote', async () => {
    await writeFile(path, 'from before')
    const { look } = start()

    await look()
    expect(await written()).toBe('from before')

    await look(some(2))
    expect(await addresses()).toEqual(['10.0.0.0:9250', '10.0.0.1:9250'])
  })

  it('writes the very bytes of the page', async () => {
    const targets = some(3, { labels: { team: 'ä "b"' } })

    await start().look(targets)

    const { chunks } = await buildPage(targets)
    expect(await readFile(path)).toEqual(Buffer.concat(chunks))
  })

  it('replaces the file as a whole and leaves nothing else beside it', async () => {
    const { look } = start()
    await look(some(1))
    const before = await stat(path)

    await look(some(2))

    expect((await stat(path)).ino).not.toBe(before.ino)
    expect(await readdir(folder)).toEqual(['targets.json'])
  })

  it('does not touch the file while the bytes are the same, not even after a restart', async () => {
    const first = start()
    await first.look(some(2))
    const before = await stat(path, { bigint: true })
    await first.look(some(2))
    stop.abort()
    await running
    stop = new AbortController()

    await start().look(some(2))

    expect(await stat(path, { bigint: true })).toMatchObject({ ino: before.ino, mtimeNs: before.mtimeNs })
  })

  it('writes an empty list when everything was withdrawn', async () => {
    const { look } = start()
    await look(some(2))

    await look([])

    expect(await addresses()).toEqual([])
  })

  it.each([
    ['removed', () => rm(path)],
    ['changed', () => writeFile(path, '[]')],
  ])('restores a file that somebody %s', async (_, harm) => {
    const { look } = start()
    await look(some(2))
    await harm()

    await look()

    expect(await addresses()).toHaveLength(2)
  })

  it('warns once about a directory that is not there, tries ever more seldom, and says when it could write', async () => {
    const lines: string[] = []
    const logger: Logger = {
      ...silentLogger,
      warn: (_, message) => lines.push(`warn ${message}`),
      info: (fields, message) => lines.push(`info ${message} ${JSON.stringify(fields)}`),
    }
    path = join(folder, 'later', 'targets.json')
    const { look } = start({}, logger)

    const waits = [await look(some(1)), await look(), await look(), await look()]
    await mkdir(join(folder, 'later'))
    await look()

    expect(waits[3]).toBeGreaterThan((waits[0] ?? 0) * 4)
    expect(await addresses()).toHaveLength(1)
    expect(lines).toEqual([
      'warn Target file could not be written',
      `info Target file could be written again ${JSON.stringify({ path, failures: 4 })}`,
    ])
  })

  it('leaves no half file behind when it cannot take its place', async () => {
    await mkdir(join(path, 'in-the-way'), { recursive: true })

    await start().look(some(1))

    expect(await readdir(folder)).toEqual(['targets.json'])
    expect(await readdir(path)).toEqual(['in-the-way'])
  })

  it('writes the slice that is configured', async () => {
    const { look } = start({ namespace: 'a', shard: 0, of: 2 })
    const all = [...some(40, { namespace: 'a' }), ...some(40, { namespace: 'b' })]
    const slice = { namespace: 'a', shard: { index: 0, of: 2 } }

    await look(all)

    const wanted = all.filter((one) => isInSlice(one, slice)).map(({ registration }) => registration.address)
    expect(wanted.length).toBeGreaterThan(5)
    expect(await addresses()).toEqual(wanted.toSorted())
  })
})

describe('the configuration of target files', () => {
  const problems = (files: unknown) =>
    z
      .object({ files: fileSdSchema })
      .safeParse({ files })
      .error?.issues.map(({ path: at, message }) => [at.join('.'), message])

  it.each([
    [[{ path: 'x.json' }, { path: 'y.json', namespace: 'a', kind: 'flink', flink_cluster: 'c', shard: 2, of: 3 }]],
    [[]],
  ])('accepts %j', (files) => {
    expect(problems(files)).toBeUndefined()
  })

  it.each([
    [[{}], 'files.0.path'],
    [[{ path: 'x.yml' }], 'files.0.path'],
    [[{ path: '.json' }], 'files.0.path'],
    [[{ path: 'x.json', shard: 1 }], 'files.0.of'],
    [[{ path: 'x.json', of: 2 }], 'files.0.shard'],
    [[{ path: 'x.json', shard: 2, of: 2 }], 'files.0.shard'],
    [[{ path: 'x.json', shard: 0, of: 1_001 }], 'files.0.of'],
    [[{ path: 'x.json', namespace: '' }], 'files.0.namespace'],
    [[{ path: 'x.json' }, { path: 'x.json' }], 'files.1.path'],
    [[{ path: 'x.json', cluster: 'x' }], 'files.0'],
  ])('refuses %j at %s', (files, at) => {
    expect(problems(files)?.map(([where]) => where)).toEqual([at])
  })
})
