import { ConfigError } from '../runtime/errors.ts'
import { isValidPath } from './paths.ts'

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

export interface ConnectString {
  readonly servers: readonly ServerAddress[]
  /** Prefix of every path, such as `/lagkeeper`; empty without one. */
  readonly chroot: string
}

const defaultPort = 2181

/**
 * Reads `host:port,[v6]:port/chroot` as every ZooKeeper client takes it. A port left out is 2181.
 *
 * @throws ConfigError with all that is wrong.
 */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/')
  const hosts = slash < 0 ? text : text.slice(0, slash)
  const chroot = slash < 0 ? '' : text.slice(slash).replace(/\/+$/, '')
  const problems: string[] = []
  const servers = hosts.split(',').flatMap((part) => {
    const server = parseServer(part.trim())
    if (server === undefined) problems.push(`"${part}", expected host:port`)
    return server === undefined ? [] : [server]
  })
  if (chroot !== '' && !isValidPath(chroot)) problems.push(`"${chroot}", expected a path such as /lagkeeper`)
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `zookeeper.connect: ${problem}`))
  return { servers, chroot }
}

export function formatServer({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function parseServer(text: string): ServerAddress | undefined {
  const match = /^(?:\[([\da-fA-F:.%\w]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) return undefined
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  return port >= 1 && port <= 65_535 ? { host, port } : undefined
}
