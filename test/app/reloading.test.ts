import { describe, expect, it } from 'vitest'
import { createKeeper } from '../../src/app/keeper.ts'
import { createReloading, type Effective } from '../../src/app/reloading.ts'
import { configSchema } from '../../src/app/schema.ts'
import { loadConfig } from '../../src/config/load.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import type { Service } from '../../src/runtime/service.ts'

function read(text: string, env: Readonly<Record<string, string>> = {}): Effective {
  return { config: loadConfig(configSchema, { text, env }), demo: false }
}

function service(name: string): Service {
  return { name, run: () => Promise.resolve() }
}

/** A reload of texts, one after the other; the services are named after the Kafka clusters. */
function world(first: string) {
  let text = first
  let env: Readonly<Record<string, string>> = { PASSWORD: 'one' }
  const keeper = createKeeper<Service>()
  const outcomes: boolean[] = []
  /** What must have settled before a configuration of these clusters can be applied. */
  const waits = new Map<string, Promise<void>>()
  const compose = ({ kafka }: Effective['config']): readonly Service[] =>
    kafka.map((cluster) => keeper.keep(cluster.name, cluster, () => service(`kafka ${cluster.name}`)))
  const effective = read(text, env)
  let running = compose(effective.config)
  const reload = createReloading(effective, () => running, {
    read: () => read(text, env),
    prepare: (asked) => waits.get(asked.config.kafka.map(({ name }) => name).join()),
    apply: ({ config }) => {
      running = compose(config)
      return running
    },
    onReload: (isSuccessful) => outcomes.push(isSuccessful),
    logger: silentLogger,
  })
  return {
    outcomes,
    waits,
    running: () => running.map(({ name }) => name),
    reload: (next: string, password = 'one') => {
      text = next
      env = { PASSWORD: password }
      return reload()
    },
  }
}

const two = 'kafka: [{name: a, bootstrap: [a:9092]}, {name: b, bootstrap: [b:9092]}]'
const secured = `kafka: [{name: a, bootstrap: [a:9092], sasl: {mechanism: PLAIN, username: u, password: "\${PASSWORD}"}}]`

describe('createReloading()', () => {
  it('restarts nothing when nothing has changed', async () => {
    expect(await world(two).reload(two)).toEqual({ changed: [] })
  })

  it('touches only what has changed', async () => {
    const { reload } = world(two)
    expect(await reload('kafka: [{name: a, bootstrap: [a:9092]}, {name: b, bootstrap: [other:9092]}]')).toEqual({
      changed: ['kafka b'],
    })
    expect(await reload('kafka: [{name: a, bootstrap: [a:9092]}, {name: c, bootstrap: [c:9092]}]')).toEqual({
      changed: ['kafka b', 'kafka c'],
    })
  })

  it('sees that a secret was rotated although it prints the same', async () => {
    const { reload } = world(secured)
    expect(await reload(secured, 'one')).toEqual({ changed: [] })
    expect(await reload(secured, 'two')).toEqual({ changed: ['kafka a'] })
  })

  it('keeps everything when the new configuration is not valid, and says every problem', async () => {
    const { reload, outcomes } = world(two)
    const refused = await reload('kafka: [{name: a, bootstrap: [a:99999999]}]\nintervall: 3s')
    expect('problems' in refused && refused.problems.join('\n')).toMatch(
      /bootstrap[\s\S]*intervall|intervall[\s\S]*bootstrap/,
    )
    expect(outcomes).toEqual([false])
    expect(await reload(two)).toEqual({ changed: [] })
    expect(outcomes).toEqual([false, true])
  })

  it.each([
    ['web.listen_address', 'web: {listen_address: ":1"}'],
    ['storage', 'storage: {path: /elsewhere}'],
    ['zookeeper', 'zookeeper: {connect: "zk:2181"}'],
    ['log.format', 'log: {format: json}'],
  ])('says that %s needs a restart', async (name, text) => {
    expect(await world('{}').reload(text)).toEqual({
      problems: [`${name}: changed, expected as it was at the start; restart Lagkeeper to change it`],
    })
  })

  it('applies what is there after the wait for code, and the last one wins', async () => {
    const { reload, waits, running, outcomes } = world('{}')
    let loaded: () => void = () => undefined
    const load = new Promise<void>((resolve) => {
      loaded = resolve
    })
    waits.set('a,b', load)
    void load.then(() => waits.delete('a,b'))

    const waiting = reload(two)
    const overtaking = reload('kafka: [{name: c, bootstrap: [c:9092]}]')

    expect(await overtaking).toEqual({ changed: ['kafka c'] })
    loaded()
    expect(await waiting).toEqual({ changed: [] })
    expect(running()).toEqual(['kafka c'])
    expect(outcomes).toEqual([true, true])
  })

  it('lets a bug of ours through', async () => {
    const effective = read('{}')
    const reload = createReloading(effective, () => [], {
      read: () => {
        throw new TypeError('a bug')
      },
      prepare: () => undefined,
      apply: () => [],
      onReload: () => undefined,
      logger: silentLogger,
    })
    await expect(reload()).rejects.toThrow(TypeError)
  })
})
