import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { loadConfig, type Overlay } from '../config/load.ts'
import { nearest } from '../config/nearest.ts'
import type { Environment } from '../config/references.ts'
import { loadWebConfig } from '../config/web-config.ts'
import { ConfigError } from '../runtime/errors.ts'
import type { Effective } from './reloading.ts'
import { configSchema } from './schema.ts'

/** What the command line says; absent is not given. */
export interface Flags {
  readonly values: ReadonlyMap<ValueFlag, string>
  readonly version: boolean
  readonly help: boolean
}

interface FlagEntry {
  /** Placeholder of the value in the help; a flag without one takes no value. */
  readonly value?: string
  readonly help: string
  /** The option of the file that it takes the place of. */
  readonly option?: readonly string[]
}

const flagTable = {
  'config.file': { value: 'FILE', help: 'Configuration file (YAML); see docs/configuration.md.' },
  'web.listen-address': {
    value: 'ADDRESS',
    help: 'Where to listen for HTTP. Default ":10390".',
    option: ['web', 'listen_address'],
  },
  'web.config.file': {
    value: 'FILE',
    help: 'TLS, client certificates and users: docs/security.md.',
    option: ['web', 'config_file'],
  },
  'kafka.bootstrap': {
    value: 'HOST:PORT[,…]',
    help: 'Brokers of one Kafka cluster, named "default".',
    option: ['kafka'],
  },
  'zookeeper.connect': {
    value: 'HOST:PORT[,…][/PATH]',
    help: 'Keep registrations in this ZooKeeper.',
    option: ['zookeeper', 'connect'],
  },
  interval: { value: 'DURATION', help: 'Time between two cycles of a cluster. Default "15s".', option: ['interval'] },
  'log.level': { value: 'LEVEL', help: 'debug, info, warn or error. Default "info".', option: ['log', 'level'] },
  'log.format': {
    value: 'FORMAT',
    help: 'auto, json or text. Default "auto": text on a terminal.',
    option: ['log', 'format'],
  },
  version: { help: 'Print the version and exit.' },
  help: { help: 'Print this help and exit.' },
} as const satisfies Readonly<Record<string, FlagEntry>>

type ValueFlag = Exclude<keyof typeof flagTable, 'version' | 'help'>

/**
 * Reads the flags of the daemon, `--flag value` or `--flag=value`.
 *
 * @throws ConfigError with every problem at once.
 */
export function parseFlags(argv: readonly string[]): Flags {
  const problems: string[] = []
  const strays: string[] = []
  const values = new Map<ValueFlag, string>()
  const switches = new Set<string>()
  for (const token of tokensOf(argv)) {
    if (token.kind === 'positional') strays.push(`"${token.value}": unexpected argument, expected a flag`)
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    if (isValueFlag(name)) {
      const isForgotten = value === undefined || value === '' || (!inlineValue && value.startsWith('--'))
      if (isForgotten) problems.push(`--${name}: no value, expected ${flagTable[name].value}`)
      else if (values.has(name)) problems.push(`--${name}: given twice, expected once`)
      else values.set(name, value)
    } else if (!isFlag(name)) problems.push(unknownFlag(rawName))
    else if (value === undefined) switches.add(name)
    else problems.push(`--${name}: takes no value`)
  }
  // After a flag that went wrong, what stands alone is most likely its value.
  if (problems.length === 0) problems.push(...strays)
  if (problems.length > 0) throw new ConfigError(problems)
  return { values, version: switches.has('version'), help: switches.has('help') }
}

/**
 * The configuration that flags and file make together; flags win. With nothing configured (no file, no Kafka cluster, no
 * ZooKeeper) the daemon runs as a demo; a file may ask for it.
 *
 * @throws ConfigError with every problem at once.
 */
export function effectiveConfig(flags: Flags, env: Environment): Effective {
  const overlay = [...flags.values].flatMap(([name, value]) => overlayOf(name, value))
  const file = flags.values.get('config.file')
  const config = loadConfig(configSchema, { file, env, overlay })
  const { config_file: webFile } = config.web
  return {
    config,
    ...(webFile === undefined ? {} : { web: loadWebConfig(webFile) }),
    demo: config.demo ?? (file === undefined && config.kafka.length === 0 && config.zookeeper === undefined),
  }
}

/** The help of the daemon; every subcommand of `commands` is listed with its summary. */
export function helpText(commands: readonly { readonly usage: string; readonly summary: string }[]): string {
  const flags = Object.entries<FlagEntry>(flagTable).map(([name, { value, help }]): [string, string] => [
    value === undefined ? `--${name}` : `--${name} ${value}`,
    help,
  ])
  const listed = commands.map(({ usage, summary }): [string, string] => [`lagkeeper ${usage}`, summary])
  return [
    'Lagkeeper finds the metric reporters of streaming jobs for Prometheus, and says uniformly how far',
    'behind every Kafka consumer is. Without flags it runs a demo on http://localhost:10390.',
    '',
    'Usage: lagkeeper [flags]',
    ...(listed.length > 0 ? ['', 'Commands:', ...columns(listed)] : []),
    '',
    'Flags:',
    ...columns(flags),
    '',
  ].join('\n')
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}

function tokensOf(argv: readonly string[]) {
  const options = Object.entries<FlagEntry>(flagTable).map(
    ([name, { value }]): [string, { readonly type: 'boolean' | 'string' }] => [
      name,
      { type: value === undefined ? 'boolean' : 'string' },
    ],
  )
  return parseArgs({
    args: [...argv],
    options: { ...Object.fromEntries(options), help: { type: 'boolean', short: 'h' } },
    strict: false,
    tokens: true,
    allowPositionals: true,
  }).tokens
}

function overlayOf(name: ValueFlag, value: string): readonly Overlay[] {
  const flag = `--${name}`
  const { option }: FlagEntry = flagTable[name]
  if (option === undefined) return []
  // Relative to where the command is given, not to the file that it belongs to.
  if (name === 'web.config.file') return [{ path: option, value: resolve(value), flag }]
  if (name !== 'kafka.bootstrap') return [{ path: option, value, flag }]
  return [{ path: option, value: [{ name: 'default', bootstrap: value }], flag, excludesFile: true }]
}

function isFlag(name: string): name is keyof typeof flagTable {
  return Object.hasOwn(flagTable, name)
}

function isValueFlag(name: string): name is ValueFlag {
  return isFlag(name) && 'value' in flagTable[name]
}

function unknownFlag(name: string): string {
  const meant = nearest(name.replace(/^-+/, ''), Object.keys(flagTable))
  return `${name}: unknown flag, ${meant === undefined ? 'see --help' : `did you mean --${meant}?`}`
}
