import { membersOf } from '../targets/field-problem.ts'
import type { ForeignFormat } from './foreign-format.ts'

/** Of Finagle's DEAD, STARTING, ALIVE, STOPPING, STOPPED, WARNING and UNKNOWN those that are an end. */
const endings: readonly unknown[] = ['DEAD', 'STOPPING', 'STOPPED']

/**
 * Finagle and Aurora: `{"serviceEndpoint":{"host","port"},"additionalEndpoints":{"http":{…}},"status","shard","metadata"}`.
 *
 * @see https://github.com/twitter/finagle finagle-serversets, `serverset2/Entry.scala`
 */
export const serverset: ForeignFormat = {
  read: ({ serviceEndpoint, additionalEndpoints, status, shard, metadata }, endpoint) => {
    if (endings.includes(status)) return { kind: 'ended' }
    const main = endpoint === undefined ? serviceEndpoint : membersOf(additionalEndpoints)?.[endpoint]
    const { host, port } = membersOf(main) ?? {}
    if (host === undefined || port === undefined)
      return { kind: 'bad', why: `it has no ${endpoint === undefined ? 'serviceEndpoint' : `endpoint "${endpoint}"`}` }
    return { kind: 'alive', host, port, labels: { ...membersOf(metadata), shard } }
  },
}
