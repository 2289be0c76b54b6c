import { afterAll, describe, expect, it } from 'vitest'
import { catalogue, type FaultClass, faultIdOf, tally } from './catalogue.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { openWorld, type World, type WorldOptions } from './world.ts'

/** One fault of the catalogue. `T` is what the injection leaves for the other steps. */
export interface Fault<T> {
  readonly id: string
  /** What is promised, as a sentence: `refuses …`. */
  readonly title: string
  /** Faults that name the same function share one daemon; without one it is the usual daemon. */
  readonly world?: () => WorldOptions | Promise<WorldOptions>
  readonly arrange?: (world: World) => Promise<void>
  /** Rejects when the fault could not be injected. */
  readonly inject: (world: World) => Promise<T>
  /** Rejects when a promise was not kept. The oracle watches besides. */
  readonly expect: (world: World, injected: T) => Promise<void>
  /** Takes the fault away; runs also after a failure. */
  readonly heal?: (world: World, injected: T) => Promise<void>
}

export interface RunnableFault {
  readonly id: string
  readonly title: string
  readonly world: () => WorldOptions | Promise<WorldOptions>
  readonly play: (world: World) => Promise<void>
}

const longestMs = 300_000

const usual = (): WorldOptions => ({})

/** Arrange, health gate, inject, observe, heal, health gate. */
export function fault<T>(one: Fault<T>): RunnableFault {
  const { id, title, world: options = usual } = one
  return {
    id,
    title,
    world: options,
    play: async (world) => {
      await one.arrange?.(world)
      await world.healthy()
      const injected = await one.inject(world)
      try {
        await one.expect(world, injected)
      } finally {
        await one.heal?.(world, injected)
      }
      await world.healthy()
      expect(await world.verdict(), 'what the oracle saw').toEqual([])
    },
  }
}

/** The faults of one class as tests, in their order; a daemon that a fault has spoilt is replaced by a new one. */
export function runFaults(letter: FaultClass, faults: readonly RunnableFault[]): void {
  const passed = new Set<string>()
  const failed = new Set<string>()
  const { title, count } = catalogue[letter]

  describe(`faults of class ${letter}: ${title}`, () => {
    let open: { readonly world: World; readonly options: RunnableFault['world'] } | undefined

    async function close(): Promise<void> {
      const last = open
      open = undefined
      await last?.world[Symbol.asyncDispose]()
    }

    async function worldOf(options: RunnableFault['world']): Promise<World> {
      if (open?.options === options) return open.world
      await close()
      const world = await openWorld(await options())
      open = { world, options }
      return world
    }

    afterAll(async () => {
      await close()
      await removeTemporaryFolders()
      process.stdout.write(`${tally(letter, passed, failed)}\n`)
    }, 60_000)

    for (const one of faults)
      it(
        `${one.id} ${one.title}`,
        async () => {
          let isPassed = false
          try {
            const world = await worldOf(one.world)
            await one.play(world)
            isPassed = true
            passed.add(one.id)
          } catch (error) {
            const tail = ((await open?.world.log()) ?? '').split('\n').slice(-6)
            const words = tail.map((line) => line.slice(0, 300)).join('\n')
            process.stdout.write(`${one.id} failed: ${String(error)}\nThe last words of the daemon:\n${words}\n`)
            throw error
          } finally {
            if (!isPassed) {
              failed.add(one.id)
              await close()
            }
          }
        },
        longestMs,
      )

    it(`class ${letter} has its ${count} faults`, () => {
      const known = new Set(faults.map(({ id }) => id))
      expect(known.size).toBe(count)
      for (const { id } of faults) expect(faultIdOf(`${id} `)).toBe(id)
    })
  })
}
