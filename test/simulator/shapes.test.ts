import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sqlVertices } from '../../src/simulator/flink-plan.ts'
import { createFlinkWorld } from '../../src/simulator/flink-world.ts'
import { createKafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { createSimulatedYarn } from '../../src/simulator/simulated-yarn.ts'

/** Paths in a value with the types that stand there; elements of lists are one. */
function shapeOf(value: unknown, path = '$'): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((element: unknown) => shapeOf(element, `${path}[]`))
  if (typeof value !== 'object' || value === null) return [`${path} ${value === null ? 'null' : typeof value}`]
  return Object.entries(value).flatMap(([name, member]) => shapeOf(member, `${path}.${name}`))
}

const parsed = (text: string): unknown => JSON.parse(text)

async function shapeAt(url: string): Promise<readonly string[]> {
  const answer = await fetch(url, { headers: { connection: 'close' } })
  return [...new Set(shapeOf(parsed(await answer.text())))].toSorted()
}

const capture = z.object({ answers: z.record(z.string(), z.object({ body: z.unknown() })) })

/** Shapes of real answers by path, in which ids are `*`; those of several jobs are one. */
function realShapes(version: string): ReadonlyMap<string, ReadonlySet<string>> {
  const shapes = new Map<string, Set<string>>()
  for (const moment of ['02-running', '05-after-restart']) {
    const url = new URL(`../fixtures/flink-rest/${version}/${moment}.json`, import.meta.url)
    for (const [path, { body }] of Object.entries(capture.parse(parsed(readFileSync(url, 'utf8'))).answers)) {
      const key = path.replace(/[0-9a-f]{32}/, '*')
      const known = shapes.get(key) ?? new Set()
      for (const one of shapeOf(body)) known.add(one)
      shapes.set(key, known)
    }
  }
  return shapes
}

async function started(version: string) {
  const kafka = createKafkaState('4.3', [1], seededRandom(1))
  kafka.createTopic('orders', 2)
  const world = createFlinkWorld(kafka, { now: Date.now, random: seededRandom(2) })
  const vertices = sqlVertices({ table: 'orders', topics: ['orders'], sink: 'sums', groupBy: 'city' })
  world.submit({ name: 'etl', version, tags: ['a'], jobs: [{ name: 'etl', vertices, checkpointSeconds: 2 }] })
  const yarn = await createSimulatedYarn(world)
  const { cluster, job } = world.find('etl')
  for (let second = 0; second < 4; second++) await yarn.tick()
  // A checkpoint that failed, one that was restored, one that hangs.
  job.isStuck = true
  for (let second = 0; second < 4; second++) await yarn.tick()
  cluster.restart(job)
  for (let second = 0; second < 6; second++) await yarn.tick()
  return { yarn, cluster, job }
}

describe.each(['1.20.5', '2.2.1'])('REST of a simulated Flink %s', (version) => {
  it('answers what a real one does, key for key and type for type', async () => {
    const { yarn, cluster, job } = await started(version)
    await using _ = yarn
    const real = realShapes(version)
    const paths = ['/overview', '/config', '/jobs/overview', '/taskmanagers', '/jobmanager/config', '/jobmanager/logs']
    for (const path of [
      ...paths,
      '/jobs/*',
      '/jobs/*/checkpoints',
      '/jobs/*/checkpoints/config',
      '/jobs/*/exceptions',
    ]) {
      const known = real.get(path)
      const ours = await shapeAt(`http://127.0.0.1:${cluster.jobManager.restPort}${path.replace('*', job.id)}`)

      expect(ours.length).toBeGreaterThan(0)
      // Of a recorded history only the newest was kept.
      const isReal = (one: string) => known?.has(one) || known?.has(one.replace('$.history[]', '$.latest.failed'))
      expect([path, ours.filter((one) => !isReal(one))]).toEqual([path, []])
    }
  })
})

describe('A simulated YARN', () => {
  it('answers what a real one does, key for key and type for type, and leaves nothing out that names something', async () => {
    const { yarn } = await started('1.20.5')
    await using _ = yarn
    const { id } = yarn.world.yarn.all[0]!
    const url = new URL('../fixtures/yarn/3.4.1-ha-01-rm1-active.json', import.meta.url)
    const all = z
      .object({ url: z.string(), status: z.number(), body: z.string() })
      .array()
      .parse(parsed(readFileSync(url, 'utf8')))
      .filter(({ status }) => status === 200)
    for (const path of ['info', 'apps', 'nodes', `apps/${id}`, `apps/${id}/appattempts`]) {
      const wanted = new RegExp(`/ws/v1/cluster/${path.replace(id, 'application_\\d+_0001')}(\\?|$)`)
      const real = new Set(all.filter((one) => wanted.test(one.url)).flatMap(({ body }) => shapeOf(parsed(body))))
      const ours = await shapeAt(`${yarn.resourceManagers[0]}/ws/v1/cluster/${path}`)

      expect([path, ours.filter((one) => !real.has(one))]).toEqual([path, []])
      const missing = [...real].filter((one) =>
        /(id|name|state|user|queue|tags|type|address|url|time)\b/i.test(one.split(' ')[0]!),
      )
      expect([path, missing.filter((one) => !ours.includes(one) && !/resource|timeout/i.test(one))]).toEqual([path, []])
    }
  })
})
