import type { Problem } from '../model/problem.ts'
import { shownUrl } from '../runtime/shown-url.ts'
import type { AddressGuard } from '../targets/address-guard.ts'
import { isLoopback } from '../targets/address-guard.ts'
import { formatAddress } from '../targets/parse-address.ts'
import { addressesOf, isIp, type Resolve } from './search-hosts.ts'

/** Where a JobManager can be asked. */
export interface RestPlace {
  /** Without a slash at the end. */
  readonly url: string
  /** A name or an IP address, without brackets. */
  readonly host: string
  readonly hostPort: string
  /** What the host is; absent for a name that TLS needs as it is. */
  readonly ip?: string
}

/**
 * The places behind the URLs of a configuration. A name with several addresses is several places, each with its own, as
 * behind a headless service of Kubernetes; but one place with https, where the certificate is for the name.
 */
export async function expandUrls(
  urls: readonly string[],
  deps: { readonly resolve: Resolve; readonly guard: AddressGuard },
  signal: AbortSignal,
): Promise<{ readonly places: readonly RestPlace[]; readonly problems: readonly Problem[] }> {
  const places = new Map<string, RestPlace>()
  const problems: Problem[] = []
  for (const text of urls) {
    const url = new URL(text)
    const host = hostOf(url)
    // What the configuration names is trusted: its own guard is for addresses that others tell us.
    const found = await addressesOf(host, true, { ...deps, guard: () => undefined }, signal)
    if ('why' in found) {
      problems.push({ reason: 'read_failed', message: `Find the JobManager "${shownUrl(text)}": ${found.why}` })
      continue
    }
    const isOne = found.ips.length === 1 || url.protocol === 'https:'
    for (const ip of isOne ? found.ips.slice(0, 1) : found.ips) {
      const place = isOne ? placeOf(url, host, ip) : placeOf(withHost(url, ip), ip, ip)
      places.set(place.url, place)
    }
  }
  return { places: [...places.values()], problems }
}

/** Host of a URL without brackets. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

/** The address of the REST of an application, as YARN tells it, when it may be asked. */
export async function placeOfAddress(
  address: string,
  isLocal: boolean,
  deps: { readonly resolve: Resolve; readonly guard: AddressGuard },
  signal: AbortSignal,
): Promise<RestPlace | { readonly why: string }> {
  if (!URL.canParse(`http://${address}`)) return { why: `"${address}" is no host:port` }
  const url = new URL(`http://${address}`)
  const host = hostOf(url)
  const found = await addressesOf(host, isLocal, deps, signal)
  if ('why' in found) return found
  // The literal address: a name could be another one by the time it is connected to.
  return { ...placeOf(withHost(url, found.ips[0]!), host, found.ips[0]!), hostPort: address }
}

/**
 * A URL that somebody told us, when it may be asked. The hosts of `trusted` are named by the configuration: they are
 * asked whatever they are. Any other is asked at its literal address, but for https, where the certificate is for the
 * name.
 */
export async function placeOfUrl(
  text: string,
  trusted: readonly string[],
  isLocal: boolean,
  deps: { readonly resolve: Resolve; readonly guard: AddressGuard },
  signal: AbortSignal,
): Promise<{ readonly url: string } | { readonly why: string }> {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return { why: `"${text.slice(0, 200)}" is no URL` }
  const url = new URL(text)
  const host = hostOf(url)
  if (trusted.includes(host)) return { url: withoutSlash(url.href) }
  const found = await addressesOf(host, isLocal, deps, signal)
  if ('why' in found) return found
  return { url: withoutSlash(url.protocol === 'https:' ? url.href : withHost(url, found.ips[0]!).href) }
}

/** Of each URL. */
export function hostsOf(urls: readonly string[]): readonly string[] {
  return urls.flatMap((url) => (URL.canParse(url) ? [hostOf(new URL(url))] : []))
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}

function placeOf(url: URL, host: string, ip: string): RestPlace {
  const port = Number(url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port)
  return { url: withoutSlash(url.href), host, hostPort: formatAddress(host, port), ip }
}

function withHost(url: URL, ip: string): URL {
  const changed = new URL(url)
  changed.hostname = ip.includes(':') ? `[${ip}]` : ip
  return changed
}

/** True when all of these are on our own machine. */
export function areLocal(urls: readonly string[]): boolean {
  return urls.every((url) => {
    const host = URL.canParse(url) ? hostOf(new URL(url)) : ''
    return host === 'localhost' || (isIp(host) && isLoopback(host))
  })
}
