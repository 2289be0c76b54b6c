import { createHash, timingSafeEqual } from 'node:crypto'
import { type FieldProblem, preview } from '../targets/field-problem.ts'
import { parseAddress } from '../targets/parse-address.ts'
import type { Rate } from './rate-limit.ts'

/** What a token may be used for beyond looking. */
export const scopes = ['register', 'admin', 'reload'] as const
export type Scope = (typeof scopes)[number]

/** What comes with a token. */
export interface TokenGrant {
  /** Who it is, in the audit log; two tokens of one name are one caller. */
  readonly name: string
  /** SHA-256 of the token: the token itself is not kept. */
  readonly digest: Uint8Array
  readonly scopes: ReadonlySet<Scope>
  /** Where it may register; `text` says so in a refusal. */
  readonly namespaces: { readonly covers: (namespace: string) => boolean; readonly text: string }
  /** Says why an address may not be registered with it; undefined when it may. */
  readonly target?: (ip: string, port: number) => string | undefined
  /** Most registrations in its namespaces. */
  readonly quota?: number
  readonly rate?: Rate
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number
}

export interface Tokens {
  readonly isEmpty: boolean
  /** The grant of the token in an `Authorization` header; undefined when there is none, or nobody's. */
  find(authorization: string | undefined): TokenGrant | undefined
}

export function createTokens(grants: readonly TokenGrant[]): Tokens {
  return {
    isEmpty: grants.length === 0,
    find: (authorization) => {
      const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
      if (given === undefined) return undefined
      const digest = digestOf(given)
      // All are compared, each in constant time: how long it takes says nothing about any of them.
      return grants.filter((grant) => timingSafeEqual(grant.digest, digest))[0]
    },
  }
}

/** What is wrong with an address for the one who registers it; undefined when nothing is, or it has no token. */
export function targetProblem(token: TokenGrant | undefined, address: string): FieldProblem | undefined {
  const parsed = parseAddress(address)
  const why = parsed === undefined ? undefined : token?.target?.(parsed.host, parsed.port)
  if (why === undefined) return undefined
  const expected = `an address that the token "${token?.name}" may register: ${why}`
  return { path: 'address', value: preview(address), expected }
}

/** Digests have one length, so comparing them says nothing about the token. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
