import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { Registrant } from '../client/register.ts'
import { readTextFile } from '../config/read-file.ts'
import type { Identity } from '../model/registration.ts'
import { ConfigError, describeError, UnavailableError } from '../runtime/errors.ts'
import { type FieldProblem, problemText } from '../targets/field-problem.ts'
import { parseIdentity } from '../targets/identity.ts'
import { parseRegistration } from '../targets/parse-registration.ts'

export const registerUsage = `Usage: lagkeeper register --namespace=NAME --app=NAME --role=NAME --instance=NAME --address=HOST:PORT
                          [options] [-- command [argument…]]

Runs the command and keeps its metrics endpoint registered while it runs. Without a command: until SIGTERM.

  --url=URL             where Lagkeeper is (default http://127.0.0.1:10390)
  --incarnation=LIFE    number that grows with every start, such as an attempt number (default: a new word every start)
  --scheme=SCHEME       http or https (default http)
  --metrics-path=PATH   path of the metrics (default /metrics)
  --param=NAME=VALUE    query parameter of the scrape, repeatable
  --label=NAME=VALUE    label, repeatable
  --zone=NAME           network zone of the address (default "default")
  --kind=WORD           what the process is, such as flink-tm
  --lease-seconds=N     how long it stays listed without a sign of life (default 30)
  --token-file=FILE     file with the token for Lagkeeper, read again for every request
  --help                this text

Exit codes: those of the command, 128 + n when signal n ended it, 126 and 127 when it could not be run. Without a command
0 after SIGTERM and 1 when the registration was refused. 2 wrong usage.
`

export interface RegisterArguments {
  readonly help: boolean
  readonly url: string
  readonly token: (() => string) | undefined
  readonly registrant: Registrant
  /** Empty: no command. */
  readonly command: readonly string[]
}

/** @throws ConfigError with all that is wrong */
export function parseRegisterArguments(argv: readonly string[]): RegisterArguments {
  const end = argv.indexOf('--')
  const command = end < 0 ? [] : argv.slice(end + 1)
  const values = parsed(end < 0 ? argv : argv.slice(0, end))
  const { url = 'http://127.0.0.1:10390', namespace = '', app = '', role = '', instance = '' } = values
  const { address, incarnation = randomUUID(), scheme, zone, kind } = values
  const path = values['token-file']
  const problems: string[] = []
  const more = {
    ...given('scheme', scheme),
    ...given('metrics_path', values['metrics-path']),
    ...given('zone', zone),
    ...given('kind', kind),
    ...given('lease_seconds', numberIn(values['lease-seconds'])),
    ...given('params', pairs('--param', values.param, problems)),
    ...given('labels', pairs('--label', values.label, problems)),
  }
  if (values.help !== true) {
    problems.push(...registrationProblems({ namespace, app, role, instance }, { address, incarnation, ...more }))
    if (!/^https?:\/\/[^/\s?#]+(\/[^\s?#]*)?$/.test(url))
      problems.push(`--url: "${url}", expected a URL such as http://lagkeeper:10390`)
    if (path !== undefined) problems.push(...tokenProblems(path))
    if (end >= 0 && command.length === 0) problems.push('--: nothing behind it, expected a command')
    if (problems.length > 0) throw new ConfigError(problems)
  }
  return {
    help: values.help === true,
    url,
    command,
    token: path === undefined ? undefined : () => readToken(path),
    registrant: { namespace, app, role, instance, address: address ?? '', incarnation, more },
  }
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
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: false,
      options: {
        url: text,
        namespace: text,
        app: text,
        role: text,
        instance: text,
        address: text,
        incarnation: text,
        scheme: text,
        'metrics-path': text,
        zone: text,
        kind: text,
        'lease-seconds': text,
        'token-file': text,
        param: texts,
        label: texts,
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new ConfigError([describeError(error).replace(/ \(ERR_[A-Z_]+\)$/, '')], { cause: error })
  }
}
