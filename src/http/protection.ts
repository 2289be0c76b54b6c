import type { Rate } from './rate-limit.ts'

/** How TLS is spoken; PEM texts. */
export interface ServerTls {
  readonly cert: string
  readonly key: { reveal(): string }
  readonly clientCa?: string
  readonly clientAuth:
    | 'NoClientCert'
    | 'RequestClientCert'
    | 'RequireAnyClientCert'
    | 'VerifyClientCertIfGiven'
    | 'RequireAndVerifyClientCert'
  /** One of them must stand in the client's certificate; empty: any will do. */
  readonly allowedSans: readonly string[]
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly ciphers?: string
  readonly curves?: string
  readonly honorCipherOrder: boolean
}

/** How the server is protected; replaced as a whole when that changes. */
export interface Protection {
  /** Absent: plain HTTP. */
  readonly tls?: ServerTls
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>
  /** Names to bcrypt hashes; without any nobody is asked who they are. */
  readonly users: ReadonlyMap<string, string>
  /** Of all requests together. */
  readonly rateLimit?: Rate
}

/** Everybody may come in, without TLS. */
export const unprotected: Protection = { headers: {}, users: new Map() }
