import { describe, expect, it } from 'vitest'
import { createOracle, type Oracle } from '../faults/oracle.ts'

function list(...ids: readonly string[]): Uint8Array {
  const groups = ids.map((id, index) => {
    const [namespace, app, role, instance] = id.split('/')
    const labels = Object.entries({ namespace, app, role, instance }).map(([name, value]) => [
      `__meta_lagkeeper_${name}`,
      value,
    ])
    return { targets: [`10.0.0.${index + 1}:9250`], labels: Object.fromEntries(labels) }
  })
  return Buffer.from(JSON.stringify(groups))
}

const look = (oracle: Oracle, askedAt: number, ...ids: readonly string[]): void =>
  oracle.looked({ askedAt, status: 200, body: list(...ids) })

const [a, b] = ['n/app/role/a', 'n/app/role/b']

describe('the oracle of the fault tests', () => {
  it('has nothing against a list that has what was acknowledged and nothing else', () => {
    const oracle = createOracle()
    oracle.acknowledged(a, 30_000, 0)
    look(oracle, 100, a)
    oracle.acknowledged(b, 30_000, 200)
    look(oracle, 4_900, a)
    look(oracle, 5_000, a, b)
    oracle.leaving(a)
    look(oracle, 5_100, b)
    oracle.ended(a, 5_100)
    look(oracle, 20_000, b)

    expect(oracle.violations()).toEqual([])
    expect(oracle.looks()).toBe(5)
  })

  it('finds what was acknowledged and is not listed five seconds after', () => {
    const oracle = createOracle()
    oracle.acknowledged(a, 30_000, 0)
    look(oracle, 5_001)
    look(oracle, 5_201)

    expect(oracle.violations()).toEqual([`I4: "${a}" was acknowledged and is missing (2 times)`])
  })

  it('finds what was listed and is missing for a moment, also when it was registered again', () => {
    const oracle = createOracle()
    oracle.acknowledged(a, 30_000, 0)
    look(oracle, 100, a)
    oracle.uncertain(a)
    oracle.acknowledged(a, 30_000, 150)
    look(oracle, 200)

    expect(oracle.violations()).toEqual([`I6: "${a}" was listed and is missing`])
  })

  it('asks for nothing past the end of a lease, and finds a ghost when it is long over', () => {
    const oracle = createOracle()
    oracle.acknowledged(a, 10_000, 0)
    look(oracle, 10_001)
    look(oracle, 79_000, a)
    expect(oracle.violations()).toEqual([])
    look(oracle, 80_001, a)

    expect(oracle.violations()).toEqual([`I5: ghost, the lease of "${a}" is long over`])
  })

  it('finds a ghost five seconds after its end was answered, and somebody who never registered', () => {
    const oracle = createOracle()
    oracle.acknowledged(a, 30_000, 0)
    oracle.leaving(a)
    oracle.ended(a, 1_000)
    look(oracle, 5_900, a)
    expect(oracle.violations()).toEqual([])
    look(oracle, 6_001, a, b)

    expect(oracle.violations()).toEqual([
      `I5: ghost, "${a}" was withdrawn`,
      `I5: "${b}" is listed and was never registered`,
    ])
  })

  it('takes 503 before the first list of a process, and not after it', () => {
    const oracle = createOracle()
    const unready = { askedAt: 0, status: 503, body: new Uint8Array() }
    oracle.looked(unready)
    look(oracle, 0)
    oracle.restarted()
    oracle.looked(unready)
    look(oracle, 0)
    expect(oracle.violations()).toEqual([])
    oracle.looked(unready)
    oracle.looked({ ...unready, status: 500 })

    expect(oracle.violations()).toEqual([
      'I6: the target list was answered 503 after it had been served',
      'I6: the target list was answered 500',
    ])
  })

  it('finds what Prometheus would refuse', () => {
    const oracle = createOracle()
    const body = Buffer.from('[{"targets":["10.0.0.1:9250"],"labels":{"__address__":"x"}}]')
    oracle.looked({ askedAt: 0, status: 200, body })

    expect(oracle.violations().join()).toContain('I6: Prometheus would refuse group 0: label __address__')
  })

  it('hears when nobody answers, unless the fault is that', () => {
    const oracle = createOracle()
    oracle.toleratesSilence(true)
    oracle.heardNothing('no connection')
    expect(oracle.violations()).toEqual([])
    oracle.toleratesSilence(false)
    oracle.heardNothing('no connection')

    expect(oracle.violations()).toEqual(['I7: no connection although the daemon runs'])
  })
})
