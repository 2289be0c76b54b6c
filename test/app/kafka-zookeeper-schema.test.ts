import { describe, expect, it } from 'vitest'
import { type Config, configSchema } from '../../src/app/schema.ts'
import { zookeeperOptions } from '../../src/app/zookeeper-schema.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/runtime/errors.ts'

function load(more: string): Config {
  return loadConfig(configSchema, { text: `kafka: [ { name: a, bootstrap: "b:1", ${more} } ]`, env: {} })
}

function problemsOf(more: string): readonly string[] {
  try {
    load(more)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('kafka[].zookeeper', () => {
  it('is absent by default, and needs no more than servers', () => {
    expect(load('topics: {}').kafka[0]).toMatchObject({ groups: [] })
    expect(load('topics: {}').kafka[0]?.zookeeper).toBeUndefined()
    expect(load('zookeeper: { connect: "zk1,zk2:2182/kafka" }').kafka[0]?.zookeeper).toEqual({
      connect: 'zk1,zk2:2182/kafka',
    })
  })

  it('gives the client servers, path, identity and TLS', () => {
    const { zookeeper } = load(
      'zookeeper: { connect: "zk/kafka", auth: { username: u, password: p }, sasl: { username: s, password: q }, tls: {} }',
    ).kafka[0]!

    expect(zookeeper && zookeeperOptions(zookeeper)).toEqual({
      connect: 'zk/kafka',
      auth: [{ scheme: 'digest', credential: 'u:p' }],
      sasl: { username: 's', password: 'q' },
      tls: { rejectUnauthorized: true },
    })
  })

  it.each([
    ['no servers', 'zookeeper: {}', 'kafka[0].zookeeper.connect'],
    ['servers that are none', 'zookeeper: { connect: "zk:99999" }', 'kafka[0].zookeeper.connect'],
    ['what is not for it', 'zookeeper: { connect: zk, foreign: [] }', 'kafka[0].zookeeper.foreign'],
    ['a group without a name', 'groups: [ "" ]', 'kafka[0].groups[0]'],
    ['groups that are no list', 'groups: { a: b }', 'kafka[0].groups'],
  ])('refuses %s with its path', (_, more, path) => {
    const problems = problemsOf(more)

    expect(problems).toHaveLength(1)
    expect(problems[0]?.split(' ')[0]).toBe(path)
  })
})
