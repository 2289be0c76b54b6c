import { isIP } from 'node:net'
import type { ConnectionOptions as TlsOptions } from 'node:tls'

/** The certificate must name the host of the connect string, not the address it stands for today. */
export function named(tls: TlsOptions, host: string): TlsOptions {
  return isIP(host) === 0 ? { servername: host, ...tls } : { servername: '', ...tls }
}
