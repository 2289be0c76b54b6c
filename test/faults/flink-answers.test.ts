import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FlinkSimulatedWorld, openFlinkSimulatedWorld } from './flink-simulated-world.ts'
import {
  endless,
  type Form,
  gzipBombs,
  largeAnswers,
  loginPages,
  type NamedAttack,
  stackedEncodings,
} from './hostile-answers.ts'
import type { HostileGate } from './hostile-gate.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

let world: FlinkSimulatedWorld

beforeAll(async () => {
  world = await openFlinkSimulatedWorld()
  await world.isRight('healthy')
  await world.isRight('victim')
})

afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
  await removeTemporaryFolders()
})

/** Who lies, and who tells of it. */
interface Place {
  readonly place: string
  readonly form: Form
  readonly gate: () => HostileGate
  readonly which: RegExp
  readonly source: readonly [source: string, name: string]
  /** Its targets may go: by its page it is somebody else. */
  readonly mayLeave?: true
}

const yarn = ['yarn', 'victim'] as const
const places: readonly Place[] = [
  { place: 'a ResourceManager', form: 'json', gate: () => world.resourceManager, which: /^\/ws\//, source: yarn },
  { place: 'a JobManager', form: 'json', gate: () => world.jobManager, which: /^/, source: yarn },
  {
    place: 'a TaskManager',
    form: 'page',
    gate: () => world.reporterOf(firstTaskManager()),
    which: /^\/metrics/,
    source: ['flink-pages', 'main'],
    mayLeave: true,
  },
]

function firstTaskManager(): string {
  const { cluster } = world.yarns.victim.world.find('payments-etl')
  return cluster.taskManagers[0]?.process.id ?? ''
}

function at(attacks: readonly NamedAttack[]) {
  return attacks.flatMap((attack) => places.map((place) => ({ ...place, ...attack })))
}

type Case = ReturnType<typeof at>[number]

/** All that a peer's bad answers may do is that it is not read, which is said. */
async function survives({ form, gate: gateOf, which, attack, source, mayLeave }: Case): Promise<void> {
  const gate = gateOf()
  const before = { attacked: gate.attacked(), errors: await world.errors(...source) }
  const observed = await world.observe({ mayLeave: mayLeave === true })
  // The proxy of a ResourceManager leads to the same JobManager.
  const gates = gate === world.jobManager ? [gate, world.resourceManager] : [gate]
  for (const one of gates)
    one.attack(attack(form), one === world.resourceManager && gates.length > 1 ? /^\/proxy\// : which)
  try {
    // A page that does not end is waited for, and a stranger's is not looked at again for twenty seconds.
    const attacks = form === 'page' ? 1 : 3
    await eventually('attacks', 30_000, async () => gate.attacked() >= before.attacked + attacks)
    await eventually('the reason to be counted', 15_000, async () => (await world.errors(...source)) > before.errors)
    await world.follows('healthy')
  } finally {
    for (const one of gates) one.attack(undefined)
  }
  injected(gate.attacked() > before.attacked, 'nobody asked')
  await world.isRight('victim', 60_000)
  await world.follows('victim')
  await observed.end()
  expect(await world.value('lagkeeper_source_up', { source: source[0], name: source[1] })).toBe('1')
}

describe('faults of class T: what peers of Flink and YARN answer', () => {
  it.each(at(gzipBombs))('T01 $place answers with a gzip bomb: $name', survives)
  it.each(at(stackedEncodings))('T02 $place answers with a content encoding of $name', survives)
  it.each(at(endless))('T03 $place answers with $name', survives)
  it.each(at(largeAnswers))('T04 $place answers with 50 MB: $name', survives)
  it.each(at(loginPages))('T06 $place answers with a login page $name', survives)
})
