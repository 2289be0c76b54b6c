import { addressOf, json, partsOf } from './registrants.ts'
import { eventually, injected } from './waiting.ts'
import type { World, WorldOptions } from './world.ts'

const perRequest = 2_500
const patienceMs = 120_000
const wantedBytes = 133_000_000
const labels = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`l${index}`, 'x'.repeat(36)]))

/** The whole list is made long by what is in another namespace; the oracle looks at ours. */
export const bigListWorld = (): WorldOptions => ({ list: '/sd/v1/targets?namespace=faults', maxStallMs: 400 })

/** Makes the target list 133 MB long, once. */
export async function growList(world: World): Promise<void> {
  if ((await listBytes(world)) >= wantedBytes) return
  await register(world, 0)
  const first = await eventually('the first of the list', patienceMs, async () => {
    const bytes = await listBytes(world)
    return bytes > 1_000_000 ? bytes : undefined
  })
  const rounds = Math.ceil(wantedBytes / first)
  for (let round = 1; round <= rounds; round++) await register(world, round)
  await eventually('the list to be long', patienceMs, async () => (await listBytes(world)) >= wantedBytes)
}

async function register(world: World, round: number): Promise<void> {
  const items = Array.from({ length: perRequest }, (_, index) => {
    const id = `big/list/worker/${round * perRequest + index}`
    return { ...partsOf(id), address: addressOf(id), incarnation: '1', lease_seconds: 3_600, labels }
  })
  const { status, text } = await world.ask('/v1/registrations', json('PUT', items))
  injected(status === 200, `the list could not be made long: ${status} ${text.slice(0, 300)}`)
}

async function listBytes(world: World): Promise<number> {
  const answer = await fetch(`${world.url}/sd/v1/targets`, {
    method: 'HEAD',
    headers: { 'Accept-Encoding': 'identity' },
  })
  return Number(answer.headers.get('content-length'))
}
