import type { Secret } from '../config/secret.ts'
import { digestOf, scopes, type TokenGrant } from '../http/tokens.ts'
import { createAddressGuard } from '../targets/address-guard.ts'
import type { TokenConfig } from './token-schema.ts'

/** What the tokens of the configuration allow. `registration.token` may do everything, everywhere. */
export function tokenGrants(registration: {
  readonly token?: Secret | undefined
  readonly tokens: readonly TokenConfig[]
}): readonly TokenGrant[] {
  const { token, tokens } = registration
  return [...(token === undefined ? [] : [{ ...everything, digest: digestOf(token.reveal()) }]), ...tokens.map(grantOf)]
}

const everything = {
  name: 'token',
  scopes: new Set(scopes),
  namespaces: { covers: () => true, text: 'all' },
}

function grantOf(token: TokenConfig): TokenGrant {
  const { name, namespaces, allowed_cidrs, allowed_ports, quota, rate, expires } = token
  return {
    name,
    digest: Buffer.from(token.sha256.reveal(), 'hex'),
    scopes: new Set(token.scopes),
    namespaces: {
      covers: (namespace) => namespaces.some(({ matches }) => matches(namespace)),
      text: namespaces.map(({ text }) => text).join(', ') || 'none',
    },
    target: targetRule({ allowed_cidrs, allowed_ports }),
    rate: { perSecond: rate, burst: 2 * rate },
    ...(quota === undefined ? {} : { quota }),
    ...(expires === undefined ? {} : { expiresAt: expires }),
  }
}

function targetRule({
  allowed_cidrs,
  allowed_ports,
}: Pick<TokenConfig, 'allowed_cidrs' | 'allowed_ports'>): NonNullable<TokenGrant['target']> {
  // Whether loopback may be a target at all has been asked before, of the caller.
  const guard = allowed_cidrs === undefined ? undefined : createAddressGuard(allowed_cidrs)
  const isPort = (port: number): boolean =>
    allowed_ports === undefined || allowed_ports.some(({ first, last }) => port >= first && port <= last)
  const portText = allowed_ports
    ?.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
    .join(', ')
  return (ip, port) =>
    guard?.(ip, { isLoopback: true }) ??
    (isPort(port) ? undefined : `port ${port} is none of ${portText || 'no ports'}`)
}
