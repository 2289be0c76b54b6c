import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { withDeadline } from '../runtime/deadline.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { listeningPort, type PortRange } from './register-port.ts'

/** Where the metrics are: said whole, or to be found out. */
export type Endpoint =
  | { readonly address: string }
  /** Without a host: the address of this machine from which it reaches Lagkeeper. More than one port: the one in use. */
  | { readonly host: string | undefined; readonly ports: PortRange }

export interface FindAddressDeps {
  readonly urls: readonly string[]
  /** The process whose port it is. */
  readonly pid: number | undefined
  readonly say: (text: string) => void
}

const lookEveryMs = 500
const sayAfterLooks = 120

/** `host:port`, as soon as it is known; undefined when the signal aborted before. */
export async function findAddress(
  endpoint: Endpoint,
  { urls, pid, say }: FindAddressDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  if ('address' in endpoint) return endpoint.address
  const { ports } = endpoint
  let { host } = endpoint
  let failed = ''
  for (let looks = 1; !signal.aborted; looks++) {
    try {
      host ??= await ownAddress(urls, signal)
      const port = ports.from === ports.to || pid === undefined ? ports.from : await listeningPort(pid, ports)
      if (port !== undefined) return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
      if (looks === sayAfterLooks)
        say(`the command listens on no port of ${ports.from}-${ports.to} after a minute; still looking`)
    } catch (error) {
      if (signal.aborted) return undefined
      const why = describeError(error)
      if (why !== failed) say(`${why}; trying again`)
      failed = why
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined)
  }
  return undefined
}

/**
 * The address of this machine on its way to Lagkeeper: Prometheus reaches it there as a rule, and of several networks it
 * is the one that matters. Connecting a UDP socket chooses the way and sends nothing.
 *
 * @throws UnavailableError when no URL has a host that is known and reachable
 */
async function ownAddress(urls: readonly string[], signal: AbortSignal): Promise<string> {
  let last: unknown
  for (const url of urls) {
    try {
      const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
      const { address, family } = await withDeadline(`Resolve "${host}"`, 5_000, signal, () => lookup(host))
      return await sourceAddress(address, family === 6)
    } catch (error) {
      last = error
    }
  }
  throw new UnavailableError(`Find the own address on the way to "${urls.join('", "')}"`, { cause: last })
}

function sourceAddress(destination: string, isSix: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isSix ? 'udp6' : 'udp4')
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.connect(9, destination, () => {
      const { address } = socket.address()
      socket.close()
      resolve(address)
    })
  })
}
