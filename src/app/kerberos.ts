import type { Kerberos } from '../kafka/sasl-gssapi.ts'
import { ConfigError, describeError } from '../runtime/errors.ts'
import { loadPackage } from './optional-package.ts'

/** @throws ConfigError when the package is not installed, does not load or is not the one we know */
export function loadKerberos(load: (name: string) => unknown = loadPackage): Kerberos {
  const loaded = load('kerberos')
  if (isKerberos(loaded)) return loaded
  throw new ConfigError(['Load the npm package "kerberos": it has no initializeClient, expected version 7'])
}

/** What keeps `loadKerberos` from working, for the check of a configuration; undefined: nothing. */
export function kerberosProblem(load?: (name: string) => unknown): string | undefined {
  try {
    loadKerberos(load)
    return undefined
  } catch (error) {
    return error instanceof ConfigError ? error.problems.join(', ') : describeError(error)
  }
}

function isKerberos(value: unknown): value is Kerberos {
  return (
    typeof value === 'object' &&
    value !== null &&
    'initializeClient' in value &&
    typeof value.initializeClient === 'function' &&
    'GSS_MECH_OID_KRB5' in value &&
    typeof value.GSS_MECH_OID_KRB5 === 'number'
  )
}
