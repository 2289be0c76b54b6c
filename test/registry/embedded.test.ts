import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { type CreateDurableFile, createDurableFile } from '../../src/runtime/durable-file.ts'
import { ConfigError, UnavailableError } from '../../src/runtime/errors.ts'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { fakeClock } from '../fakes/clock.ts'
import { registration, registrations } from '../targets/samples.ts'

const signal = AbortSignal.timeout(600_000)
let storagePath: string

beforeEach(async () => {
  storagePath = await mkdtemp(join(tmpdir(), 'lagkeeper-registry-'))
})
afterEach(async () => {
  await rm(storagePath, { recursive: true })
})

interface Options {
  readonly storagePath?: string | undefined
  readonly createFile?: CreateDurableFile
  readonly logger?: Logger
}

async function withRegistry(
  use: (registry: Registry, clock: ReturnType<typeof fakeClock>) => Promise<void>,
  options: Options = {},
): Promise<void> {
  const { createFile, logger = silentLogger } = options
  const clock = fakeClock()
  const stop = new AbortController()
  const registry = createEmbeddedRegistry(
    { storagePath: 'storagePath' in options ? options.storagePath : storagePath },
    { clock, logger, ...(createFile === undefined ? {} : { createFile }) },
  )
  const done = registry.run(stop.signal)
  await expect.poll(() => registry.view()).toBeDefined()
  try {
    await use(registry, clock)
  } finally {
    stop.abort()
    await done
  }
}

/** A disk that fails when told to, and counts what it is asked for. */
function failingDisk() {
  const disk = { isFull: false, syncs: 0 }
  const createFile: CreateDurableFile = async (path) => {
    if (disk.isFull) throw new Error('ENOSPC: no space left on device')
    const file = await createDurableFile(path)
    return {
      ...file,
      append: async (lines) => {
        disk.syncs++
        if (disk.isFull) throw new Error('ENOSPC: no space left on device')
        await file.append(lines)
      },
    }
  }
  return { disk, createFile }
}

it('refuses while the disk is full, serves on, and takes up again', async () => {
  const { disk, createFile } = failingDisk()
  const [kept, refused, later] = registrations(3)
  await withRegistry(
    async (registry) => {
      await registry.put([kept!], signal)
      disk.isFull = true

      await expect(registry.put([refused!], signal)).rejects.toThrow(UnavailableError)
      await expect(registry.withdraw(kept!.id, undefined, signal)).rejects.toThrow(UnavailableError)
      expect(await registry.renew([{ id: kept!.id }], signal)).toEqual([])
      expect((await registry.put([kept!], signal))[0]?.outcome).toBe('renewed')
      expect(registry.view()?.targets.map(({ registration: { id } }) => id)).toEqual([kept!.id])

      disk.isFull = false
      expect((await registry.put([later!], signal))[0]?.outcome).toBe('created')
    },
    { createFile },
  )

  await withRegistry(async (registry) => {
    expect(registry.view()?.targets.map(({ registration: { id } }) => id)).toEqual([kept!.id, later!.id])
  })
})

it('lets the dead go although the disk is full', async () => {
  const { disk, createFile } = failingDisk()
  await withRegistry(
    async (registry, clock) => {
      await registry.put([registration()], signal)
      disk.isFull = true

      await clock.advance(31_000)
      expect(registry.view()?.targets[0]?.state).toBe('lingering')
      await clock.advance(61_000)
      await expect.poll(() => registry.view()?.targets).toEqual([])
    },
    { createFile },
  )
})

it('starts although the disk is full, and serves what it knows', async () => {
  await withRegistry(async (registry) => {
    await registry.put([registration()], signal)
  })
  const { disk, createFile } = failingDisk()
  disk.isFull = true

  await withRegistry(
    async (registry) => {
      expect(registry.view()?.targets).toHaveLength(1)
      await expect(registry.put(registrations(1), signal)).rejects.toThrow('no space left')
    },
    { createFile },
  )
})

it('makes many writes durable with few syncs', async () => {
  const { disk, createFile } = failingDisk()
  await withRegistry(
    async (registry) => {
      const before = disk.syncs

      await Promise.all(registrations(1_000).map((one) => registry.put([one], signal)))

      expect(disk.syncs - before).toBeLessThan(10)
      expect(registry.view()?.targets).toHaveLength(1_000)
    },
    { createFile },
  )
})

it('is whole only after a lease, or when it was before', async () => {
  await withRegistry(async (registry, clock) => {
    await registry.put([registration()], signal)
    expect(registry.view()?.whole).toBe(false)
    await clock.advance(10_000)
  })
  await withRegistry(async (registry, clock) => {
    // A crash in the first lease: others may have been on their way.
    expect(registry.view()?.whole).toBe(false)
    await clock.advance(29_000)
    await registry.renew([{ id: registration().id }], signal)
    await clock.advance(2_000)
    expect(registry.view()?.whole).toBe(true)
    await expect.poll(() => readFile(join(storagePath, 'registry.journal'), 'utf8')).toContain('"whole":true')
  })
  await withRegistry(async (registry) => {
    expect(registry.view()?.whole).toBe(true)
    await registry.withdraw(registration().id, undefined, signal)
  })
  await withRegistry(async (registry) => {
    expect(registry.view()).toMatchObject({ whole: false, targets: [] })
  })
})

it('ends no lease because of its own stall', async () => {
  await withRegistry(async (registry, clock) => {
    await registry.put([registration()], signal)
    const monotonic = clock.monotonic
    let stalled = 0
    Object.assign(clock, { monotonic: () => monotonic() + stalled })

    await clock.advance(5_000)
    stalled = 3_600_000
    await clock.advance(20_000)
    expect(registry.view()?.targets[0]?.state).toBe('listed')
    await clock.advance(5_000)
    expect(registry.view()?.targets[0]?.state).toBe('lingering')
  })
})

it('leaves a folder alone that another one is using, and both what was acknowledged', async () => {
  const [one, two] = registrations(2)
  await withRegistry(async (registry) => {
    await registry.put([one!], signal)
    const second = createEmbeddedRegistry({ storagePath }, { clock: fakeClock(), logger: silentLogger })

    await expect(second.run(signal)).rejects.toThrow(ConfigError)
    await expect(second.run(signal)).rejects.toThrow('is in use by another Lagkeeper')
    await registry.put([two!], signal)
  })

  await withRegistry(async (registry) => {
    expect(registry.view()?.targets).toHaveLength(2)
  })
})

it('takes a folder whose owner was killed', async () => {
  const path = join(storagePath, 'registry.socket')
  const owner = spawn(process.execPath, ['-e', `net.createServer().listen(${JSON.stringify(path)})`])
  await expect
    .poll(() =>
      stat(path).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
  owner.kill('SIGKILL')
  await once(owner, 'exit')
  expect((await stat(path)).isSocket()).toBe(true)

  await withRegistry(async (registry) => {
    await registry.put([registration()], signal)
  })
  await expect(stat(path)).rejects.toThrow('ENOENT')
})

it('works where no socket can be, and says so', async () => {
  const said: string[] = []
  const logger: Logger = { ...silentLogger, warn: (_, message) => said.push(message) }
  await withRegistry(
    async (registry) => {
      await registry.put([registration()], signal)
    },
    { storagePath: join(storagePath, 'long'.repeat(30)), logger },
  )

  expect(said).toEqual([expect.stringContaining('could not be claimed')])
})

it('works in memory without a storage path, and says so', async () => {
  const said: string[] = []
  const logger: Logger = { ...silentLogger, warn: (_, message) => said.push(message) }
  await withRegistry(
    async (registry, clock) => {
      await registry.put([registration()], signal)
      expect(registry.view()).toMatchObject({ whole: false })
      await clock.advance(30_000)
      expect(registry.view()).toMatchObject({ whole: true })
    },
    { storagePath: undefined, logger },
  )

  expect(said).toEqual([expect.stringContaining('memory only')])
})

/** A disk on which each write waits for its turn. */
function slowDisk() {
  const waiting: (() => void)[] = []
  const disk = { isSlow: false, waiting }
  const createFile: CreateDurableFile = async (path) => {
    const file = await createDurableFile(path)
    const append = async (lines: Iterable<string>): Promise<void> => {
      if (disk.isSlow) await new Promise<void>((resolve) => waiting.push(resolve))
      await file.append(lines)
    }
    return { ...file, append }
  }
  return { disk, createFile }
}

it('extends no lease whose end is being written', async () => {
  const { disk, createFile } = slowDisk()
  const one = registration()
  await withRegistry(
    async (registry, clock) => {
      await registry.put([one], signal)
      await clock.advance(31_000)
      disk.isSlow = true
      await clock.advance(61_000)
      await expect.poll(() => disk.waiting.length).toBe(1)

      expect(registry.find(one.id)?.state).toBe('lingering')
      expect(await registry.renew([{ id: one.id }], signal)).toEqual([one.id])
      disk.isSlow = false
      disk.waiting.shift()?.()
      await expect.poll(() => registry.find(one.id)).toBeUndefined()
    },
    { createFile },
  )
})

it('keeps who came again just before its time was over', async () => {
  const { disk, createFile } = slowDisk()
  const [one, other] = registrations(2)
  await withRegistry(
    async (registry, clock) => {
      await registry.put([one!], signal)
      await clock.advance(31_000)
      disk.isSlow = true
      const first = registry.put([other!], signal)
      await expect.poll(() => disk.waiting.length).toBe(1)
      const again = registry.put([one!], signal)
      // Its end is decided in the same batch, behind it.
      await clock.advance(61_000)
      disk.isSlow = false
      disk.waiting.shift()?.()

      expect((await again)[0]?.outcome).toBe('renewed')
      await first
      await clock.advance(1_000)
      expect(registry.find(one!.id)?.state).toBe('listed')
    },
    { createFile },
  )
})

it('remembers over a restart, and a snapshot, who lost its address to whom', async () => {
  const address = '10.0.0.7:9250'
  const [loser, winner] = registrations(2, { address })
  await withRegistry(async (registry) => {
    await registry.put([loser!], signal)
    await registry.put([winner!], signal)
  })
  // Each start makes a snapshot of what the one before has left.
  for (let start = 0; start < 2; start++)
    await withRegistry(async (registry) => {
      expect(registry.explain(loser!.id)).toMatchObject({ evicted: { incarnation: '1', by: winner!.id } })
      const [receipt] = await registry.put([loser!], signal)
      expect(receipt).toMatchObject({ outcome: 'conflict', why: expect.stringContaining('taken over') })
    })
})

it('does not forget within a batch who lost its address', async () => {
  const address = '10.0.0.7:9250'
  const [loser, winner] = registrations(2, { address })
  await withRegistry(async (registry) => {
    const receipts = await registry.put([loser!, winner!, loser!], signal)

    expect(receipts.map(({ outcome }) => outcome)).toEqual(['created', 'created', 'conflict'])
    expect(registry.view()?.targets.map(({ registration: { id } }) => id)).toEqual([winner!.id])
  })
})
