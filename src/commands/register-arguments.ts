import { randomUUID } from 'node:crypto'
import type { Registrant } from '../client/register.ts'
import { readTextFile } from '../config/read-file.ts'
import type { Identity } from '../model/registration.ts'
import { ConfigError, UnavailableError } from '../runtime/errors.ts'
import { type FieldProblem, problemText } from '../targets/field-problem.ts'
import { factFields } from '../targets/field-rules.ts'
import { parseIdentity } from '../targets/identity.ts'
import { parseRegistration } from '../targets/parse-registration.ts'
import { parseOptions } from './options.ts'
import type { Endpoint } from './register-address.ts'
import type { PortRange } from './register-port.ts'

export const registerUsage = `Usage: lagkeeper register --namespace=NAME --app=NAME --role=NAME --instance=NAME
                          --address=HOST:PORT | --port=PORT | --ports=FROM-TO
                          [options] [-- command [argument…]]

Runs the command and keeps its metrics endpoint registered while it runs. Without a command: until SIGTERM.

  --url=URL             where Lagkeeper is (default http://127.0.0.1:10390); repeatable, the next replica is asked when
                        one is in trouble
  --address=HOST:PORT   where Prometheus reaches the metrics
  --port=PORT           the same on this machine, at its address on the way to Lagkeeper
  --ports=FROM-TO       the same at the port of this range on which the command listens (Linux)
  --host=HOST           the host for --port and --ports, in place of the one that is found
  --incarnation=LIFE    number that grows with every start, such as an attempt number (default: a new word every start)
  --scheme=SCHEME       http or https (default http)
  --metrics-path=PATH   path of the metrics (default /metrics)
  --param=NAME=VALUE    query parameter of the scrape, repeatable
  --label=NAME=VALUE    label, repeatable
  --zone=NAME           network zone of the address (default "default")
  --kind=WORD           what the process is, such as flink-tm; likewise --application-id, --attempt, --container-id,
                        --flink-cluster, --flink-job, --queue, --user and --version, for slices and relabelling
  --lease-seconds=N     how long it stays listed without a sign of life (default: as Lagkeeper is configured, 30)
  --token-file=FILE     file with the token for Lagkeeper, read again for every request
  --help                this text

Exit codes: those of the command, 128 + n when signal n ended it, 126 and 127 when it could not be run. Without a command
0 after SIGTERM and 1 when the registration was refused. 2 wrong usage.
`

export interface RegisterArguments {
  readonly help: boolean
  readonly urls: readonly string[]
  readonly token: (() => string) | undefined
  /** All but the address, which may have to be found out. */
  readonly registrant: Omit<Registrant, 'address'>
  readonly endpoint: Endpoint
  /** Empty: no command. */
  readonly command: readonly string[]
}

/** @throws ConfigError with all that is wrong */
export function parseRegisterArguments(argv: readonly string[]): RegisterArguments {
  const end = argv.indexOf('--')
  const command = end < 0 ? [] : argv.slice(end + 1)
  const values = parsed(end < 0 ? argv : argv.slice(0, end))
  const { url: urls = ['http://127.0.0.1:10390'], namespace = '', app = '', role = '', instance = '' } = values
  const { incarnation = randomUUID(), scheme, zone } = values
  const path = values['token-file']
  const problems: string[] = []
  const more = {
    ...given('scheme', scheme),
    ...given('metrics_path', values['metrics-path']),
    ...given('zone', zone),
    ...factsIn(values),
    ...given('lease_seconds', numberIn(values['lease-seconds'])),
    ...given('params', pairs('--param', values.param, problems)),
    ...given('labels', pairs('--label', values.label, problems)),
  }
  const endpoint = readEndpoint(values, command.length > 0, problems)
  if (values.help !== true) {
    problems.push(
      ...registrationProblems(
        { namespace, app, role, instance },
        { address: exampleOf(endpoint), incarnation, ...more },
      ),
    )
    for (const url of urls)
      if (!/^https?:\/\/[^/\s?#@]+(\/[^\s?#]*)?$/.test(url) || !URL.canParse(url))
        problems.push(`--url: "${url}", expected a URL such as http://lagkeeper:10390`)
    if (path !== undefined) problems.push(...tokenProblems(path))
    if (end >= 0 && command.length === 0) problems.push('--: nothing behind it, expected a command')
    if (problems.length > 0) throw new ConfigError(problems)
  }
  return {
    help: values.help === true,
    urls,
    command,
    token: path === undefined ? undefined : () => readToken(path),
    registrant: { namespace, app, role, instance, incarnation, more },
    endpoint,
  }
}

/** One of --address, --port and --ports. */
function readEndpoint(
  { address, port, ports, host }: ReturnType<typeof parsed>,
  hasCommand: boolean,
  problems: string[],
): Endpoint {
  const range = ports === undefined ? portIn(port) : rangeIn(ports)
  if ([address, port, ports].filter((one) => one !== undefined).length > 1)
    problems.push('--address, --port, --ports: expected one of them')
  if (port !== undefined && range === undefined) problems.push(`--port: "${port}", expected a port such as 9250`)
  if (ports !== undefined && range === undefined)
    problems.push(`--ports: "${ports}", expected a range of ports such as 9250-9260`)
  if (ports !== undefined && !hasCommand) problems.push('--ports: expected a command, whose port is looked for')
  if (ports !== undefined && process.platform !== 'linux')
    problems.push(`--ports: can be found on Linux only, expected --port or --address`)
  if (host !== undefined && address !== undefined) problems.push('--host: expected --port or --ports beside it')
  if (address !== undefined || (port === undefined && ports === undefined)) return { address: address ?? '' }
  // When it is wrong, a problem says so already.
  return { host, ports: range ?? { from: 1, to: 1 } }
}

function portIn(text: string | undefined): PortRange | undefined {
  return rangeIn(`${text}-${text}`)
}

function rangeIn(text: string): PortRange | undefined {
  const [from, to] = (/^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []).slice(1).map(Number)
  return from === undefined || to === undefined || from < 1 || to < from || to > 65_535 ? undefined : { from, to }
}

/** An address of the same form, for the rules. */
function exampleOf(endpoint: Endpoint): string {
  if ('address' in endpoint) return endpoint.address
  const { host = '127.0.0.1', ports } = endpoint
  return host.includes(':') ? `[${host}]:${ports.from}` : `${host}:${ports.from}`
}

/** What Lagkeeper would refuse, said before the command starts, with the names of the options. */
function registrationProblems(identity: Identity, body: Readonly<Record<string, unknown>>): readonly string[] {
  const wrong: FieldProblem[] = []
  parseIdentity({ ...identity }, wrong)
  parseRegistration(body, identity, wrong)
  return wrong.map(({ path, ...problem }) => problemText({ ...problem, path: optionOf(path) }))
}

/** `labels.job` is `--label job`, `metrics_path` is `--metrics-path`. */
function optionOf(path: string): string {
  const [field = '', ...name] = path.split('.')
  const option = field.replace('labels', 'label').replace('params', 'param').replaceAll('_', '-')
  return [`--${option}`, ...name].join(' ')
}

function given(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined ? {} : { [name]: value }
}

/** `--flink-cluster` is `flink_cluster`. */
function factsIn(values: ReturnType<typeof parsed>): Readonly<Record<string, unknown>> {
  const options = new Map<string, unknown>(Object.entries(values))
  const facts = Object.keys(factFields).map((name) => given(name, options.get(name.replaceAll('_', '-'))))
  return Object.assign({}, ...facts)
}

/** A text that is no number stays what it is, so that the problem shows it. */
function numberIn(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : text
}

function pairs(
  option: string,
  list: readonly string[] | undefined,
  problems: string[],
): Readonly<Record<string, string>> | undefined {
  if (list === undefined) return undefined
  const found = list.map((text): readonly [string, string] => {
    const at = text.indexOf('=')
    if (at <= 0) problems.push(`${option}: "${text}", expected name=value`)
    return [text.slice(0, Math.max(0, at)), text.slice(at + 1)]
  })
  return Object.fromEntries(found.filter(([name]) => name !== ''))
}

function tokenProblems(path: string): readonly string[] {
  const read = readTextFile(path, true)
  if ('problem' in read) return [`--token-file: "${path}": ${read.problem}`]
  return read.text.trim() === '' ? [`--token-file: "${path}": empty, expected a token`] : []
}

/** A file that cannot be read for a moment, because it is being replaced, makes one request fail and no more. */
function readToken(path: string): string {
  const read = readTextFile(path, true)
  if ('problem' in read) throw new UnavailableError(`Read token file "${path}": ${read.problem}`)
  return read.text.trim()
}

function parsed(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const texts = { type: 'string', multiple: true } as const
  return parseOptions(argv, {
    url: texts,
    namespace: text,
    app: text,
    role: text,
    instance: text,
    address: text,
    port: text,
    ports: text,
    host: text,
    incarnation: text,
    scheme: text,
    'metrics-path': text,
    zone: text,
    kind: text,
    'application-id': text,
    attempt: text,
    'container-id': text,
    'flink-cluster': text,
    'flink-job': text,
    queue: text,
    user: text,
    version: text,
    'lease-seconds': text,
    'token-file': text,
    param: texts,
    label: texts,
    help: { type: 'boolean', short: 'h' },
  })
}
