/** One web configuration, and whether it is right. `SERVER` and `OTHER` in it stand for key pairs, `CA` for an authority. */
export interface WebConfigCase {
  readonly what: string
  readonly text: string
  /** The option at which it is refused; absent when it is accepted. */
  readonly refusedAt?: string
  /** What Prometheus' own check of it says when that differs from ours, and why it does. */
  readonly promtool?: { readonly accepts: boolean; readonly because: string }
}

const hash = '$2y$04$LwoBNFu2hoV2boqZx8WPleOCAWnzXSHIPZftaCi8KAgO0r1vfCwc2'
const pair = 'cert_file: SERVER.pem, key_file: SERVER.key'
const tls = (more = ''): string => `tls_server_config: { ${pair}${more === '' ? '' : `, ${more}`} }`
const newer = { accepts: false, because: 'it came after Prometheus 2.42' }
const stricter = (because: string) => ({ accepts: true, because })

/** Accepted and refused files; test/config holds us to them, test/real holds them against promtool. */
export const webConfigCases: readonly WebConfigCase[] = [
  { what: 'nothing', text: '{}' },
  { what: 'TLS', text: tls() },
  { what: 'a user', text: `basic_auth_users: { ann: "${hash}", "b.c@d": "${hash}" }` },
  { what: 'client certificates', text: tls('client_ca_file: CA, client_auth_type: RequireAndVerifyClientCert') },
  {
    what: 'client certificates if there are any',
    text: tls('client_ca_file: CA, client_auth_type: VerifyClientCertIfGiven'),
  },
  { what: 'any client certificate', text: tls('client_auth_type: RequireAnyClientCert') },
  { what: 'an older name of that', text: tls('client_auth_type: RequireClientCert') },
  { what: 'versions', text: tls('min_version: TLS13, max_version: TLS13') },
  { what: 'ciphers', text: tls('cipher_suites: [ TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ]') },
  { what: 'curves', text: tls('curve_preferences: [ CurveP256, X25519 ], prefer_server_cipher_suites: false') },
  {
    what: 'headers',
    text: `${tls()}\nhttp_server_config: { http2: false, headers: { Strict-Transport-Security: max-age=1, X-Frame-Options: deny, X-Content-Type-Options: nosniff } }`,
  },
  {
    what: 'names in client certificates',
    text: tls('client_ca_file: CA, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [ a ]'),
    promtool: newer,
  },
  { what: 'a limit', text: 'rate_limit: { interval: 10ms, burst: 5 }', promtool: newer },

  { what: 'an unknown option', text: 'tls_server: {}', refusedAt: 'tls_server' },
  { what: 'an unknown option of TLS', text: tls('cert: x, certfile: x'), refusedAt: 'tls_server_config.certfile' },
  {
    what: 'a certificate without key',
    text: 'tls_server_config: { cert_file: SERVER.pem }',
    refusedAt: 'tls_server_config.key',
  },
  {
    what: 'a key without certificate',
    text: 'tls_server_config: { key_file: SERVER.key }',
    refusedAt: 'tls_server_config.cert_file',
  },
  {
    what: 'a certificate that is missing',
    text: 'tls_server_config: { cert_file: nowhere.pem, key_file: SERVER.key }',
    refusedAt: 'tls_server_config.cert_file',
  },
  {
    what: 'a certificate that is none',
    text: 'tls_server_config: { cert_file: web.yaml, key_file: SERVER.key }',
    refusedAt: 'tls_server_config.cert_file',
  },
  {
    what: 'a key that is none',
    text: 'tls_server_config: { cert_file: SERVER.pem, key_file: web.yaml }',
    refusedAt: 'tls_server_config.key_file',
  },
  {
    what: 'the key of another certificate',
    text: 'tls_server_config: { cert_file: SERVER.pem, key_file: OTHER.key }',
    refusedAt: 'tls_server_config.key_file',
  },
  {
    what: 'an authority that is missing',
    text: tls('client_ca_file: nowhere, client_auth_type: RequireAndVerifyClientCert'),
    refusedAt: 'tls_server_config.client_ca_file',
  },
  {
    what: 'an authority that nobody is asked for',
    text: tls('client_ca_file: CA'),
    refusedAt: 'tls_server_config.client_auth_type',
  },
  {
    what: 'an unknown policy',
    text: tls('client_auth_type: Sometimes'),
    refusedAt: 'tls_server_config.client_auth_type',
  },
  { what: 'an unknown version', text: tls('min_version: TLS14'), refusedAt: 'tls_server_config.min_version' },
  { what: 'an unknown cipher', text: tls('cipher_suites: [ ROT13 ]'), refusedAt: 'tls_server_config.cipher_suites[0]' },
  {
    what: 'an unknown curve',
    text: tls('curve_preferences: [ CurveP128 ]'),
    refusedAt: 'tls_server_config.curve_preferences[0]',
  },
  {
    what: 'a password in place of its hash',
    text: 'basic_auth_users: { ann: s3cret }',
    refusedAt: 'basic_auth_users.ann',
  },
  {
    what: 'an unknown header',
    text: 'http_server_config: { headers: { X-Other: a } }',
    refusedAt: 'http_server_config.headers.X-Other',
  },
  {
    what: 'a header with a wrong value',
    text: 'http_server_config: { headers: { X-Frame-Options: maybe } }',
    refusedAt: 'http_server_config.headers.X-Frame-Options',
  },
  {
    what: 'HSTS without TLS',
    text: 'http_server_config: { headers: { Strict-Transport-Security: max-age=1 } }',
    refusedAt: 'http_server_config.headers.Strict-Transport-Security',
    promtool: stricter('browsers ignore it, so it protects nobody'),
  },
  { what: 'a broken file', text: 'tls_server_config: [', refusedAt: '' },

  {
    what: 'an old version',
    text: tls('min_version: TLS10'),
    refusedAt: 'tls_server_config.min_version',
    promtool: stricter('TLS 1.0 and 1.1 are not spoken'),
  },
  {
    what: 'a cipher without forward secrecy',
    text: tls('cipher_suites: [ TLS_RSA_WITH_AES_128_CBC_SHA ]'),
    refusedAt: 'tls_server_config.cipher_suites[0]',
    promtool: stricter('all of ours have it'),
  },
  {
    what: 'HTTP/2',
    text: 'http_server_config: { http2: true }',
    refusedAt: 'http_server_config.http2',
    promtool: stricter('it is not spoken'),
  },
  {
    what: 'versions the wrong way round',
    text: tls('min_version: TLS13, max_version: TLS12'),
    refusedAt: 'tls_server_config.max_version',
    promtool: stricter('no client could connect'),
  },
  {
    what: 'a hash that takes minutes',
    text: `basic_auth_users: { ann: "${hash.replace('$04$', '$31$')}" }`,
    refusedAt: 'basic_auth_users.ann',
    promtool: stricter('a few logins would stop all others'),
  },
  {
    what: 'verified clients without an authority',
    text: tls('client_auth_type: RequireAndVerifyClientCert'),
    refusedAt: 'tls_server_config.client_ca_file',
    promtool: stricter('everybody with a public certificate would be let in'),
  },
]
