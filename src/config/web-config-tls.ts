import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { z } from 'zod'
import { describeError } from '../runtime/errors.ts'
import { readTextFile } from './read-file.ts'
import { besideOthers, member } from './rules.ts'
import { Secret } from './secret.ts'
import { file, parsed, secret, text } from './text-options.ts'

/** When a client must show a certificate, in the words of Go's crypto/tls. */
type ClientAuth = (typeof clientAuths)[number]

const clientAuths = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const

/** How TLS is spoken, as node:tls wants it. */
export interface WebTls {
  /** PEM texts. */
  readonly cert: string
  readonly key: Secret
  readonly clientCa?: string
  readonly clientAuth: ClientAuth
  /** One of them must stand in the client's certificate; empty: any will do. */
  readonly allowedSans: readonly string[]
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly ciphers?: string
  readonly curves?: string
  readonly honorCipherOrder: boolean
}

const versions = new Map([
  ['TLS12', 'TLSv1.2'],
  ['TLS13', 'TLSv1.3'],
] as const)
const version = parsed('TLS12 or TLS13: older ones are not spoken', (word) =>
  word === 'TLS12' || word === 'TLS13' ? versions.get(word) : undefined,
)

/** OpenSSL's names of TLS 1.3; Go does not let them be chosen either, so they are always there. */
const modernCiphers = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']

/** Go's names to OpenSSL's: all with forward secrecy. */
const ciphers = new Map([
  ...modernCiphers.map((name): [string, string] => [name, name]),
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
])
const cipher = parsed(
  "one of Go's cipher suites with forward secrecy, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  (word) => ciphers.get(word),
)

const curves = new Map([
  ['CurveP256', 'P-256'],
  ['CurveP384', 'P-384'],
  ['CurveP521', 'P-521'],
  ['X25519', 'X25519'],
])
const curve = parsed(`one of ${[...curves.keys()].join(', ')}`, (word) => curves.get(word))

/** Exporters have kept this older name for RequireAnyClientCert. */
const clientAuth = z.preprocess(
  (word) => (word === 'RequireClientCert' ? 'RequireAnyClientCert' : word),
  z.enum(clientAuths),
)

/** The block `tls_server_config`. */
export const webTls = z
  .strictObject({
    cert: text('a certificate in PEM').optional(),
    cert_file: file().optional(),
    key: secret(),
    client_ca: text('certificates in PEM').optional(),
    client_ca_file: file().optional(),
    client_auth_type: clientAuth.prefault('NoClientCert'),
    client_allowed_sans: text('a name, address or URI').array().prefault([]),
    min_version: version.prefault('TLS12'),
    max_version: version.prefault('TLS13'),
    cipher_suites: cipher.array().prefault([]),
    prefer_server_cipher_suites: z.boolean().prefault(true),
    curve_preferences: curve.array().prefault([]),
  })
  .superRefine(oneOf('cert', true), besideOthers)
  .superRefine(oneOf('client_ca', false), besideOthers)
  .superRefine(inOrder, besideOthers)
  .superRefine(clientRules, besideOthers)
  .superRefine(certificates, besideOthers)
  .transform((value, context): WebTls => {
    const clientCa = pemOf(value, 'client_ca')
    const tls: WebTls = {
      cert: pemOf(value, 'cert') ?? '',
      key: value.key,
      ...(clientCa === undefined ? {} : { clientCa }),
      clientAuth: value.client_auth_type,
      allowedSans: value.client_allowed_sans,
      minVersion: value.min_version,
      maxVersion: value.max_version,
      ...(value.cipher_suites.length === 0
        ? {}
        : { ciphers: [...new Set([...modernCiphers, ...value.cipher_suites])].join(':') }),
      ...(value.curve_preferences.length === 0 ? {} : { curves: value.curve_preferences.join(':') }),
      honorCipherOrder: value.prefer_server_cipher_suites,
    }
    const why = refusedByOpenSsl(tls)
    if (why !== undefined) context.addIssue({ code: 'custom', message: `expected what OpenSSL can use: ${why}` })
    return tls
  })

/** What cannot be seen in any one of the options, such as a key that is too short. */
function refusedByOpenSsl({
  cert,
  key,
  clientCa,
  ciphers,
  curves,
  minVersion,
  maxVersion,
}: WebTls): string | undefined {
  try {
    createSecureContext({
      cert,
      key: key.reveal(),
      ca: clientCa,
      ciphers,
      ...(curves === undefined ? {} : { ecdhCurve: curves }),
      minVersion,
      maxVersion,
    })
    return undefined
  } catch (error) {
    return describeError(error)
  }
}

type Rule = (value: unknown, context: z.core.$RefinementCtx) => void

function oneOf(name: string, isRequired: boolean): Rule {
  return (value, context) => {
    const given = [name, `${name}_file`].filter((key) => member(value, key) !== undefined)
    if (given.length === 2)
      context.addIssue({ code: 'custom', path: [`${name}_file`], message: `expected it or "${name}", not both` })
    if (given.length === 0 && isRequired)
      context.addIssue({ code: 'custom', path: [`${name}_file`], message: 'expected the certificate of the server' })
  }
}

function inOrder(value: unknown, context: z.core.$RefinementCtx): void {
  if (member(value, 'min_version') === 'TLSv1.3' && member(value, 'max_version') === 'TLSv1.2')
    context.addIssue({ code: 'custom', path: ['max_version'], message: 'expected no older one than min_version' })
}

/** Who is let in because of a certificate must be known by somebody we trust. */
function clientRules(value: unknown, context: z.core.$RefinementCtx): void {
  const policy = member(value, 'client_auth_type')
  const hasCa = member(value, 'client_ca') !== undefined || member(value, 'client_ca_file') !== undefined
  const sans = member(value, 'client_allowed_sans')
  const isVerified = policy === 'VerifyClientCertIfGiven' || policy === 'RequireAndVerifyClientCert'
  const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
  if (hasCa && policy === 'NoClientCert')
    refuse('client_auth_type', 'expected a policy such as RequireAndVerifyClientCert beside client_ca_file')
  if (!hasCa && isVerified)
    refuse('client_ca_file', `expected it beside ${policy}: else everybody with a public certificate is let in`)
  if (Array.isArray(sans) && sans.length > 0 && !isVerified)
    refuse(
      'client_allowed_sans',
      'expected client_auth_type RequireAndVerifyClientCert or VerifyClientCertIfGiven beside it',
    )
}

/** The certificate is one, and the key is its own. */
function certificates(value: unknown, context: z.core.$RefinementCtx): void {
  const cert = pemOf(value, 'cert')
  const ca = pemOf(value, 'client_ca')
  const key = member(value, 'key')
  const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
  const placeOf = (name: string): string => (member(value, name) === undefined ? `${name}_file` : name)
  const certificate = cert === undefined ? undefined : certificateIn(cert)
  if (typeof certificate === 'string') refuse(placeOf('cert'), `expected a certificate in PEM: ${certificate}`)
  const authority = ca === undefined ? undefined : certificateIn(ca)
  if (typeof authority === 'string') refuse(placeOf('client_ca'), `expected certificates in PEM: ${authority}`)
  if (!(key instanceof Secret)) return
  try {
    const own = createPrivateKey(key.reveal())
    if (certificate instanceof X509Certificate && !certificate.checkPrivateKey(own))
      refuse('key_file', 'expected the key of the certificate, this is another one')
  } catch {
    refuse('key_file', 'expected a private key in PEM without a passphrase')
  }
}

function certificateIn(pem: string): X509Certificate | string {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    return describeError(error)
  }
}

/** The text of a certificate that stands in the file, or in a file that the file names. */
function pemOf(value: unknown, name: string): string | undefined {
  const inline = member(value, name)
  if (typeof inline === 'string') return inline
  const path = member(value, `${name}_file`)
  const found = typeof path === 'string' ? readTextFile(path) : undefined
  return found !== undefined && 'text' in found ? found.text : undefined
}
