import { membersOf } from '../targets/field-problem.ts'
import type { ForeignFormat } from './foreign-format.ts'

/**
 * Curator's x-discovery: `{"name","id","address","port","sslPort","payload","serviceType","enabled"}`. The payload is of a
 * Java class of its own: the plain values in it become labels. `endpoint` can be `ssl`; a service without a plain port is
 * reached by that anyway.
 *
 * @see https://github.com/apache/curator `curator-x-discovery`, `ServiceInstance.java`
 */
export const curator: ForeignFormat = {
  read: ({ address, port, sslPort, payload, enabled }, endpoint) => {
    if (enabled === false) return { kind: 'ended' }
    if (endpoint !== undefined && endpoint !== 'ssl') return { kind: 'bad', why: `it has no endpoint "${endpoint}"` }
    const { '@class': _class, ...labels } = membersOf(payload) ?? {}
    const isPlain = endpoint === undefined && typeof port === 'number'
    const chosen = isPlain ? port : sslPort
    if (typeof address !== 'string' || typeof chosen !== 'number')
      return { kind: 'bad', why: 'it has no address and port' }
    return { kind: 'alive', host: address, port: chosen, ...(isPlain ? {} : { scheme: 'https' as const }), labels }
  },
}
