import { isIP, isIPv6 } from 'node:net'
import { z } from 'zod'
import { hints } from './hints.ts'
import { parsed } from './text-options.ts'

export interface HostPort {
  /** A host name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

export interface ListenAddress {
  /** Absent: every address of this machine. */
  readonly host?: string
  /** 0: the system chooses. */
  readonly port: number
}

/** Parses "broker1:9092", "10.0.0.1:9092" or "[2001:db8::1]:9092"; undefined when it is none of them. */
export function parseHostPort(text: string): HostPort | undefined {
  const parts = split(text)
  if (parts === undefined || !isHost(parts.host, parts.bracketed) || parts.port === 0) return undefined
  return { host: parts.host, port: parts.port }
}

/** Parses ":10390", "127.0.0.1:0", "localhost:80" or "[::1]:1"; undefined when it is none of them. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const parts = split(text)
  if (parts === undefined) return undefined
  if (parts.host === '' && !parts.bracketed) return { port: parts.port }
  return isHost(parts.host, parts.bracketed) ? { host: parts.host, port: parts.port } : undefined
}

/** The address as it is written: IPv6 in brackets. */
export function formatHostPort(address: { readonly host?: string; readonly port: number }): string {
  const host = address.host ?? ''
  return `${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

/** An option with the address to listen on. */
export function listenAddress() {
  return parsed('an address such as ":10390", "127.0.0.1:10390" or "[::1]:10390"', parseListenAddress)
}

/** An option with one or more `host:port`, as a list or as one text with commas; its value is a list of texts. */
export function hostPorts() {
  const one = parsed('host:port such as "broker1:9092" or "[2001:db8::1]:9092"', (text) => {
    const address = parseHostPort(text)
    return address === undefined ? undefined : formatHostPort(address)
  })
  const list = z.preprocess(
    (value) => (typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value),
    one.array().min(1),
  )
  return list.register(hints, { expected: 'a list of host:port, or one text with commas' })
}

function split(text: string): { host: string; bracketed: boolean; port: number } | undefined {
  const found = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  if (found === null) return undefined
  const port = Number(found[3])
  if (port > 65_535) return undefined
  return { host: found[1] ?? found[2] ?? '', bracketed: found[1] !== undefined, port }
}

function isHost(host: string, bracketed: boolean): boolean {
  if (bracketed) return isIPv6(host)
  if (/^[\d.]+$/.test(host)) return isIP(host) === 4
  // Underscores are no part of RFC 1123, but container and service names have them.
  return host.length <= 253 && host.split('.').every((label) => /^[\w](?:[\w-]{0,61}\w)?$/.test(label))
}
