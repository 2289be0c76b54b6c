import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReplicaOptions, Replicas } from '../../src/replicas/replicas.ts'

/** A place in which one replica after the other can be started. */
export interface ReplicasWorld extends AsyncDisposable {
  /** Not running yet. */
  create(options: ReplicaOptions): Replicas
}

const options: ReplicaOptions = { id: '00112233aabbccdd', version: '1.2.3', url: () => 'http://10.0.0.1:10390' }
const keys = Array.from({ length: 50 }, (_, index) => `kafka/cluster-${index}`)

/** What every member promises to a replica without others. */
export function replicasContract(name: string, open: () => Promise<ReplicasWorld>): void {
  describe(`replicas contract: ${name}`, () => {
    let world: ReplicasWorld
    let replica: Replicas
    let stop: AbortController
    let done: Promise<void>

    function run(): void {
      stop = new AbortController()
      done = replica.run(stop.signal)
    }
    const ownsAll = (): boolean => keys.every((key) => replica.owns(key))
    const untilOwner = () => expect.poll(ownsAll, { timeout: 15_000, interval: 5 }).toBe(true)

    beforeEach(async () => {
      world = await open()
      replica = world.create(options)
    })
    afterEach(async () => {
      stop?.abort()
      await done
      await world[Symbol.asyncDispose]()
    })

    it('owns nothing before it runs, and nothing from the moment on at which it is told to stop', async () => {
      expect(keys.some(replica.owns)).toBe(false)
      expect([replica.members(), replica.owner('kafka/main')]).toEqual([[], undefined])

      run()
      await untilOwner()
      stop.abort()

      expect(keys.some(replica.owns)).toBe(false)
      await done
      expect([replica.members(), replica.owner('kafka/main')]).toEqual([[], undefined])
    })

    it('owns everything when there is nobody else, and says so of itself', async () => {
      run()
      await untilOwner()

      const [self, ...others] = replica.members()
      expect(others).toEqual([])
      expect(self).toEqual({
        id: options.id,
        url: 'http://10.0.0.1:10390',
        version: '1.2.3',
        startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      })
      expect(keys.map((key) => replica.owner(key)?.id)).toEqual(keys.map(() => replica.self))
    })

    it('tells when it begins to own and when it ends', async () => {
      const over = new AbortController()
      const seen: boolean[] = []
      const heard = (async () => {
        for await (const _ of replica.changes(over.signal)) if (seen.at(-1) !== ownsAll()) seen.push(ownsAll())
      })()

      run()
      await expect.poll(() => seen.at(-1), { timeout: 15_000, interval: 5 }).toBe(true)
      stop.abort()
      await done
      await expect.poll(() => seen.at(-1), { timeout: 15_000, interval: 5 }).toBe(false)

      over.abort()
      await heard
    })

    it('owns again when it runs again', async () => {
      run()
      await untilOwner()
      stop.abort()
      await done

      run()
      await untilOwner()
    })

    it('is no secret-teller: nobody knows a stranger, and no member shows its secret', async () => {
      run()
      await untilOwner()

      expect(replica.secretOf('a stranger')).toBeUndefined()
      expect(replica.members().flatMap(Object.keys).sort()).toEqual(['id', 'startedAt', 'url', 'version'])
    })
  })
}
