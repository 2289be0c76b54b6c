import { ipv4Octets, ipv6Words } from './parse-address.ts'

/** A block of addresses: IPv4 ones as 4 bytes, IPv6 ones as 16. */
interface Block {
  readonly bytes: readonly number[]
  readonly bits: number
  readonly what: string
}

/** Says why an IP address may not become a target; undefined when it may. */
export type AddressGuard = (ip: string, caller: { readonly isLoopback: boolean }) => string | undefined

/** What is allowed when nothing is configured: the private networks. */
export const privateNetworks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'] as const

const loopback = blocks([
  ['127.0.0.0/8', 'loopback'],
  ['::1/128', 'loopback'],
])

/** Never a target, whatever is allowed: other ways to write an IPv4 address, and places that give away credentials. */
const denied = blocks([
  ['0.0.0.0/8', 'unspecified'],
  ['169.254.0.0/16', 'link-local'],
  ['192.0.0.192/32', 'a metadata service'],
  ['168.63.129.16/32', 'a metadata service'],
  ['100.100.100.200/32', 'a metadata service'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'unspecified'],
  ['::ffff:0:0/96', 'an IPv4 address in IPv6 form'],
  ['::ffff:0:0:0/96', 'an IPv4 address in IPv6 form'],
  ['64:ff9b::/96', 'an IPv4 address in IPv6 form (NAT64)'],
  ['64:ff9b:1::/48', 'an IPv4 address in IPv6 form (NAT64)'],
  ['2002::/16', 'an IPv4 address in IPv6 form (6to4)'],
  ['2001::/32', 'an IPv4 address in IPv6 form (Teredo)'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
  ['fd00:ec2::254/128', 'a metadata service'],
  ['fd00:ec2::23/128', 'a metadata service'],
  ['fd20:ce::254/128', 'a metadata service'],
])

/** IPv4-compatible addresses (`::a.b.c.d`); `::1` and `::` have their own lines. */
const compatible = blocks([['::/96', 'an IPv4 address in IPv6 form']])

/** The text of what a block of addresses looks like. */
export const cidrRule = 'a block of addresses such as 10.0.0.0/8 or fd00::/8'

/** True for `10.0.0.0/8`: an address, a slash, the number of leading bits; no bits behind them. */
export function isCidr(text: string): boolean {
  return parseBlock(text, '') !== undefined
}

/**
 * A guard that allows `cidrs` but for what is never a target. Loopback is for callers from loopback, and for them always.
 * Texts that are no CIDR allow nothing: check with `isCidr` first.
 */
export function createAddressGuard(cidrs: readonly string[]): AddressGuard {
  const allowed = blocks(cidrs.map((cidr) => [cidr, cidr]))
  return (ip, caller) => {
    const bytes = bytesOf(ip)
    if (bytes === undefined) return `"${ip}" is no IP address`
    if (find(loopback, bytes) !== undefined)
      return caller.isLoopback ? undefined : `${ip} is loopback, which only callers from loopback may register`
    const never = find(denied, bytes) ?? find(compatible, bytes)
    if (never !== undefined) return `${ip} is ${never.what}, which is never a target`
    if (find(allowed, bytes) !== undefined) return undefined
    return `${ip} is in none of the allowed networks (${cidrs.join(', ') || 'none'})`
  }
}

/** True for the addresses a process on this host calls from. */
export function isLoopback(ip: string): boolean {
  const bytes = bytesOf(ip)
  return bytes !== undefined && find(loopback, bytes) !== undefined
}

function blocks(list: readonly (readonly [string, string])[]): readonly Block[] {
  return list.flatMap(([cidr, what]) => parseBlock(cidr, what) ?? [])
}

function parseBlock(cidr: string, what: string): Block | undefined {
  const [ip = '', size = '', ...more] = cidr.split('/')
  const bytes = bytesOf(ip)
  const bits = Number(size)
  if (bytes === undefined || more.length > 0 || !/^\d{1,3}$/.test(size) || bits > bytes.length * 8) return undefined
  const block = { bytes, bits, what }
  return bytes.every((byte, index) => (byte & ~maskOf(bits, index) & 0xff) === 0) ? block : undefined
}

function find(list: readonly Block[], bytes: readonly number[]): Block | undefined {
  return list.find(
    (block) =>
      block.bytes.length === bytes.length &&
      bytes.every((byte, index) => (byte & maskOf(block.bits, index)) === block.bytes[index]),
  )
}

/** The mask of byte `index` under a prefix of `bits`. */
function maskOf(bits: number, index: number): number {
  const here = Math.min(8, Math.max(0, bits - index * 8))
  return (0xff00 >> here) & 0xff
}

function bytesOf(ip: string): readonly number[] | undefined {
  return ipv4Octets(ip) ?? ipv6Words(ip)?.flatMap((word) => [word >> 8, word & 0xff])
}
