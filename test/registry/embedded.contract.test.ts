import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { registries } from '../../src/registry/index.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { contractLingerSeconds, type RegistryWorld, registryContract } from '../contract/registry.ts'
import { fakeClock } from '../fakes/clock.ts'

registryContract('embedded', openWorld)

async function openWorld(): Promise<RegistryWorld> {
  const storagePath = await mkdtemp(join(tmpdir(), 'lagkeeper-registry-'))
  const clock = fakeClock()
  const start = () => {
    const stop = new AbortController()
    const registry = registries.embedded(
      { storagePath, lingerSeconds: contractLingerSeconds },
      { clock, logger: silentLogger },
    )
    return { registry, stop, done: registry.run(stop.signal) }
  }
  const ready = async () => {
    while (running.registry.view() === undefined) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  let running = start()
  await ready()
  const stop = async () => {
    running.stop.abort()
    await running.done
  }
  return {
    registry: () => running.registry,
    pass: clock.advance,
    stop,
    crash: async () => {
      // Nothing is written at the end of a run that was not there before: see the test with SIGKILL.
      await stop()
      running = start()
      await ready()
    },
    [Symbol.asyncDispose]: async () => {
      await stop()
      await rm(storagePath, { recursive: true })
    },
  }
}
