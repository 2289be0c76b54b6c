import { afterAll } from 'vitest'
import { registryContract } from '../contract/registry.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'
import { openReplicaWorld } from './zookeeper-registry-world.ts'

const fakes = new Map<string, Promise<FakeZookeeper>>()
afterAll(async () => {
  for (const fake of fakes.values()) await (await fake).stop()
})

for (const version of ['3.4', '3.9'] as const)
  registryContract(`zookeeper on a fake ${version}`, async () => {
    const fake = fakes.get(version) ?? startFakeZookeeper({ version })
    fakes.set(version, fake)
    return openReplicaWorld((await fake).connect, 5, 100_000)
  })
