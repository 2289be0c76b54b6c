import { describe, expect, it } from 'vitest'
import { createKeeper } from '../../src/app/keeper.ts'
import { createReloading, type Effective } from '../../src/app/reloading.ts'
import { configSchema } from '../../src/app/schema.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/runtime/errors.ts'
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
  const compose = ({ kafka }: Effective['config']): readonly Service[] =>
    kafka.map((cluster) => keeper.keep(cluster.name, cluster, () => service(`kafka ${cluster.name}`)))
  const effective = read(text, env)
  let running = compose(effective.config)
  const reload = createReloading(effective, () => running, {
    read: () => read(text, env),
    apply: ({ config }) => {
      running = compose(config)
      return running
    },
    onReload: (isSuccessful) => outcomes.push(isSuccessful),
    logger: silentLogger,
  })
  return {
    outcomes,
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
  it('restarts nothing when nothing has changed', () => {
    expect(world(two).reload(two)).toEqual({ changed: [] })
  })

  it('touches only what has changed', () => {
    const { reload } = world(two)
    expect(reload('kafka: [{name: a, bootstrap: [a:9092]}, {name: b, bootstrap: [other:9092]}]')).toEqual({
      changed: ['kafka b'],
    })
    expect(reload('kafka: [{name: a, bootstrap: [a:9092]}, {name: c, bootstrap: [c:9092]}]')).toEqual({
      changed: ['kafka b', 'kafka c'],
    })
  })

  it('sees that a secret was rotated although it prints the same', () => {
    const { reload } = world(secured)
    expect(reload(secured, 'one')).toEqual({ changed: [] })
    expect(reload(secured, 'two')).toEqual({ changed: ['kafka a'] })
  })

  it('keeps everything when the new configuration is not valid, and says every problem', () => {
    const { reload, outcomes } = world(two)
    const refused = reload('kafka: [{name: a, bootstrap: [a:99999999]}]\nintervall: 3s')
    expect('problems' in refused && refused.problems.join('\n')).toMatch(
      /bootstrap[\s\S]*intervall|intervall[\s\S]*bootstrap/,
    )
    expect(outcomes).toEqual([false])
    expect(reload(two)).toEqual({ changed: [] })
    expect(outcomes).toEqual([false, true])
  })

  it.each([
    ['web.listen_address', 'web: {listen_address: ":1"}'],
    ['storage', 'storage: {path: /elsewhere}'],
    ['zookeeper', 'zookeeper: {connect: "zk:2181"}'],
    ['log.format', 'log: {format: json}'],
  ])('says that %s needs a restart', (name, text) => {
    expect(world('{}').reload(text)).toEqual({
      problems: [`${name}: changed, expected as it was at the start; restart Lagkeeper to change it`],
    })
  })

  it('lets a bug of ours through', () => {
    const effective = read('{}')
    const reload = createReloading(effective, () => [], {
      read: () => {
        throw new TypeError('a bug')
      },
      apply: () => [],
      onReload: () => undefined,
      logger: silentLogger,
    })
    expect(reload).toThrow(TypeError)
    expect(reload).not.toThrow(ConfigError)
  })
})
