import { UnavailableError } from '../runtime/errors.ts'
import type { AddressGuard } from '../targets/address-guard.ts'
import { ipv4Octets, ipv6Words } from '../targets/parse-address.ts'

/** All addresses of a name, IPv4 first; none when there is no such name. @throws UnavailableError */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly string[]>

/** Where a process may be asked, or why it may not. */
export type Addresses = { readonly ips: readonly string[] } | { readonly why: string }

/**
 * The IP addresses of a host that may be asked. Loopback is our own machine, whoever says it: it counts only when who
 * said it is on our machine too.
 */
export async function addressesOf(
  host: string,
  isLocal: boolean,
  { resolve, guard }: { readonly resolve: Resolve; readonly guard: AddressGuard },
  signal: AbortSignal,
): Promise<Addresses> {
  const found = await ipsOf(host, resolve, signal)
  if ('why' in found) return found
  const refusals: string[] = []
  const ips = found.ips.filter((ip) => {
    const why = guard(ip, { isLoopback: isLocal })
    if (why !== undefined) refusals.push(why)
    return why === undefined
  })
  return ips.length > 0 ? { ips } : { why: `"${host}" may not be asked: ${refusals[0] ?? 'it has no address'}` }
}

/** A literal address is its own; nothing but what a resolver could take for a number is refused. */
async function ipsOf(host: string, resolve: Resolve, signal: AbortSignal): Promise<Addresses> {
  if (isIp(host)) return { ips: [host] }
  try {
    const ips = await resolve(host, signal)
    return ips.length > 0 ? { ips } : { why: `there is no host "${host}"` }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof UnavailableError) return { why: error.message }
    throw error
  }
}

export function isIp(host: string): boolean {
  return ipv4Octets(host) !== undefined || ipv6Words(host) !== undefined
}
