import { membersOf } from '../targets/field-problem.ts'
import type { ForeignFormat } from './foreign-format.ts'

/**
 * Airbnb's nerve and SmartStack: `{"host","port","name","weight","labels"}`; the znode goes when a check fails.
 *
 * @see https://github.com/airbnb/nerve `lib/nerve/reporter/zookeeper.rb`
 */
export const nerve: ForeignFormat = {
  read: ({ host, port, name, labels }, endpoint) => {
    if (endpoint !== undefined) return { kind: 'bad', why: `it has no endpoint "${endpoint}": nerve knows one only` }
    if (host === undefined || port === undefined) return { kind: 'bad', why: 'it has no host and port' }
    return { kind: 'alive', host, port, labels: { ...membersOf(labels), name } }
  },
}
