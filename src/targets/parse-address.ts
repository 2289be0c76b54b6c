/** `host:port` taken apart. */
export interface Address {
  /** An IPv4 or IPv6 address in its usual form (RFC 5952), or a host name in lower case. */
  readonly host: string
  readonly kind: 'ipv4' | 'ipv6' | 'name'
  readonly port: number
}

export const addressRule =
  'host:port with a host name, an IPv4 address of four decimals or an IPv6 address in brackets, and a port of 1 to 65535'

/** Reads `10.0.0.7:9250`, `[fd00::7]:9250`, `worker-7.internal:9250`; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([\da-fA-F:.]{2,45})\]|([a-zA-Z0-9._-]{1,253})):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const [, bracketed, bare = '', digits = ''] = match
  const port = Number(digits)
  if (port < 1 || port > 65_535 || digits.startsWith('0')) return undefined
  if (bracketed !== undefined) {
    const words = ipv6Words(bracketed)
    return words === undefined ? undefined : { host: formatIpv6(words), kind: 'ipv6', port }
  }
  if (ipv4Octets(bare) !== undefined) return { host: bare, kind: 'ipv4', port }
  return isHostName(bare) ? { host: bare.toLowerCase(), kind: 'name', port } : undefined
}

/** The usual form of `host:port`. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Four plain decimals; `127.1`, `0x7f000001`, `2130706433` and `010.0.0.1` are none, though resolvers take them. */
export function ipv4Octets(text: string): readonly number[] | undefined {
  if (!/^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/.test(text)) return undefined
  const octets = text.split('.').map(Number)
  return octets.every((octet) => octet <= 255) ? octets : undefined
}

/** The eight 16-bit words of an IPv6 address; undefined when it is none, or carries a zone id. */
export function ipv6Words(text: string): readonly number[] | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const tail = dotted === null ? [] : ipv4Octets(dotted[2]!)
  if (tail === undefined) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = tail
  const hex = dotted === null ? text : `${dotted[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  const [head, rest, ...more] = hex.split('::')
  if (head === undefined || more.length > 0) return undefined
  const left = wordsOf(head)
  const right = rest === undefined ? [] : wordsOf(rest)
  if (left === undefined || right === undefined) return undefined
  const missing = 8 - left.length - right.length
  if (rest === undefined ? missing !== 0 : missing < 1) return undefined
  return [...left, ...Array.from({ length: missing }, () => 0), ...right]
}

function wordsOf(text: string): readonly number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  return parts.every((part) => /^[\da-fA-F]{1,4}$/.test(part))
    ? parts.map((part) => Number.parseInt(part, 16))
    : undefined
}

/** The longest run of two or more zero words becomes `::`. */
function formatIpv6(words: readonly number[]): string {
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (at + length < 8 && words[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const text = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':')
  if (best.at < 0) return text(words)
  return `${text(words.slice(0, best.at))}::${text(words.slice(best.at + best.length))}`
}

/**
 * A name that no resolver can take for a number: its last label is neither decimal nor hexadecimal. A dot at the end is
 * refused, because the same name would have two forms.
 */
function isHostName(text: string): boolean {
  const labels = text.split('.')
  const last = labels.at(-1) ?? ''
  if (/^\d+$/.test(last) || /^0[xX][\da-fA-F]*$/.test(last)) return false
  return labels.every((label) => /^[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$/.test(label))
}
