import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A configuration that must be refused, and what its refusal names beside the file. */
export interface BadConfiguration {
  readonly what: string
  readonly names: RegExp
  readonly write: (path: string) => Promise<void>
}

const text = (what: string, content: string | Uint8Array, names: RegExp): BadConfiguration => ({
  what,
  names,
  write: (path) => writeFile(path, content),
})

const bomb = [
  'a: &a [x,x,x,x,x,x,x,x,x]',
  ...Array.from({ length: 8 }, (_, index) => {
    const [from, to] = [String.fromCharCode(97 + index), String.fromCharCode(98 + index)]
    return `${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join()}]`
  }),
].join('\n')

export const badConfigurations: readonly BadConfiguration[] = [
  { what: 'no file', names: /no such file|does not exist|not found/i, write: async () => undefined },
  { what: 'a directory', names: /director/i, write: async (path) => void (await mkdir(path)) },
  {
    what: 'a link to nowhere',
    names: /no such file|does not exist|not found/i,
    write: (path) => symlink('nowhere', path),
  },
  text('junk', Buffer.from([0, 1, 2, 0xff, 0xfe]), /./),
  text('a list', '- web\n- kafka\n', /./),
  text('a text', 'hello', /./),
  text('an unknown block', 'webb: {}\n', /webb.*\(1:1\)/),
  text('an unknown key in a block', 'web:\n  listen_adress: ":1"\n', /web\.listen_adress.*\(2:3\)/),
  text('a key given twice', 'interval: 15s\ninterval: 10s\n', /interval|\b2:1\b|unique/i),
  text('a tab as indentation', 'web:\n\tlisten_address: ":1"\n', /\b2:1\b|tab/i),
  text('a bomb of aliases', bomb, /alias|\b[a-i]\b/i),
  text('ten megabytes', `# ${'x'.repeat(10_485_760)}\n`, /./),
  text('__proto__ as a key', '__proto__: { demo: true }\n', /__proto__/),
  text('constructor as a key', 'constructor: { prototype: {} }\n', /constructor/),
  text('a bracket that is not closed', 'web: { listen_address: ":1"\n', /\b[12]:\d+/),
  text('a number for a duration', 'interval: 15\n', /interval.*\(1:\d+\)/),
  text('a duration that is none', 'interval: 15 fortnights\n', /interval/),
  text('a duration of nothing', 'interval: 0s\n', /interval/),
  text('an address that is none', 'web: { listen_address: "nowhere" }\n', /web\.listen_address/),
  text('a port that is none', 'web: { listen_address: ":70000" }\n', /web\.listen_address/),
  text('networks with bits behind', 'registration: { allowed_cidrs: ["10.1.1.1/8"] }\n', /allowed_cidrs\[0\]/),
  text('a lease without end', 'registration: { default_lease: 1y }\n', /default_lease/),
  text(
    'a pattern that looks back',
    'objectives: [{ consumer: "(a)\\\\1", records: 1, owner: x }]\n',
    /objectives\[0\]\.consumer/,
  ),
  text(
    'a pattern that looks ahead',
    'objectives: [{ consumer: "(?=a)", records: 1, owner: x }]\n',
    /objectives\[0\]\.consumer/,
  ),
  text(
    'a reference to a variable that is not there',
    ['log: { level: "$', '{LAGKEEPER_NOT_THERE}" }\n'].join(''),
    /LAGKEEPER_NOT_THERE/,
  ),
  text('a file of a secret that is not there', 'registration: { token_file: /nowhere/token }\n', /token_file/),
  text('ZooKeeper nowhere', 'zookeeper: { connect: "" }\n', /zookeeper\.connect/),
  text('a session without end', 'zookeeper: { connect: "zk:2181", session_timeout: 1h }\n', /session_timeout/),
]

interface WebCase {
  readonly what: string
  readonly text: string
  readonly names: RegExp
}

const web = (what: string, content: string, names: RegExp): WebCase => ({ what, text: content, names })
const pair = 'cert_file: shown.pem, key_file: shown.key'

/** The cases of Prometheus' exporter-toolkit, for the file of `web.config_file`; the certificate lies beside it. */
export const badWebConfigurations: readonly WebCase[] = [
  web('an unknown key', 'tls_server_config: { cert_filse: shown.pem }', /cert_filse/),
  web('a certificate without a key', 'tls_server_config: { cert_file: shown.pem }', /key/),
  web('a key without a certificate', 'tls_server_config: { key_file: shown.key }', /cert/),
  web(
    'a certificate that is not there',
    'tls_server_config: { cert_file: none.pem, key_file: shown.key }',
    /none\.pem/,
  ),
  web('a key that is not there', 'tls_server_config: { cert_file: shown.pem, key_file: none.key }', /none\.key/),
  web(
    'an authority that is not there',
    `tls_server_config: { ${pair}, client_ca_file: none.pem }`,
    /none\.pem|client_ca/,
  ),
  web('a user without a hash', 'basic_auth_users: { alice: secret-canary-61f0 }', /alice/),
  web('an unknown cipher', `tls_server_config: { ${pair}, cipher_suites: [TLS_NONE] }`, /cipher/i),
  web('an unknown curve', `tls_server_config: { ${pair}, curve_preferences: [CurveX] }`, /curve/i),
  web('an unknown version', `tls_server_config: { ${pair}, min_version: TLS99 }`, /version/i),
  web(
    'a least version past the greatest',
    `tls_server_config: { ${pair}, min_version: TLS13, max_version: TLS12 }`,
    /version/i,
  ),
  web('a header that is ours', 'http_server_config: { headers: { Content-Type: text/html } }', /Content-Type/),
  web('an odd frame option', 'http_server_config: { headers: { X-Frame-Options: all } }', /X-Frame-Options/),
]

export const webCanary = 'secret-canary-61f0'

/** Text with `position` of its bytes, as a writer leaves it half way. */
export function half(content: string, position: number): string {
  return content.slice(0, position)
}

export function configurationPath(folder: string, index: number): string {
  return join(folder, `bad-${index}.yaml`)
}
