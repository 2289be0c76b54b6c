import type { Identity, Registration, ReporterFacts } from '../model/registration.ts'
import { type FieldProblem, membersOf, preview } from './field-problem.ts'
import { type FieldRule, fact, factFields, labelSet, paramSet, text, textOrNumber, wholeNumber } from './field-rules.ts'
import { idOf } from './identity.ts'
import { type Address, addressRule, formatAddress, parseAddress } from './parse-address.ts'
import { isPlainText } from './plain-text.ts'

export interface ParsedRegistration {
  /** With the address as it was given: a name in it must be resolved (`withHostAddress`) before it becomes a target. */
  readonly registration: Registration
  readonly address: Address
}

export interface ParseOptions {
  /** Members that the caller reads itself, such as the identity in a batch. */
  readonly alsoKnown?: readonly string[]
  /** The lease of a registration that does not ask for one; 30 by default. */
  readonly leaseSeconds?: number
}

export const defaultLeaseSeconds = 30
const leaseLimits = { least: 5, most: 3600 } as const

const incarnation = textOrNumber(
  (value) => /^[!-.0-~]{1,64}$/.test(value),
  'a text of 1 to 64 visible ASCII characters without "/" (a number above 2^53 as a text)',
)
const address: FieldRule<Address> = (value, path, problems) => {
  const parsed = typeof value === 'string' ? parseAddress(value) : undefined
  if (parsed === undefined) problems.push({ path, value: preview(value), expected: addressRule })
  return parsed
}
const scheme: FieldRule<'http' | 'https'> = (value, path, problems) => {
  if (value === 'http' || value === 'https') return value
  problems.push({ path, value: preview(value), expected: 'http or https' })
  return undefined
}
const metricsPath = text(
  (value) => value.length <= 256 && /^\/[^\s?#]*$/.test(value) && isPlainText(value),
  'a path of at most 256 characters that starts with "/", without blanks, "?" and "#" (a query goes into params)',
)
const zone = text(
  (value) => /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/.test(value),
  '1 to 63 letters, digits, ".", "_" or "-"',
)
const leaseSeconds = wholeNumber(leaseLimits.least, leaseLimits.most, 'seconds')

const known: ReadonlySet<string> = new Set([
  'address',
  'incarnation',
  'scheme',
  'metrics_path',
  'params',
  'labels',
  'zone',
  'lease_seconds',
  ...Object.keys(factFields),
])

/** The field of a problem as one of few words, for a counter: strangers choose the rest of the path. */
export function fieldOf({ path }: FieldProblem): string {
  const [field = ''] = path.split('.')
  if (path === '') return 'document'
  return known.has(field) || ['namespace', 'app', 'role', 'instance'].includes(field) ? field : 'unknown'
}

const fieldRule = `no such field; there are ${[...known].join(', ')}`
const mostUnknown = 20

/**
 * Reads the body of a registration. All that is wrong goes to `problems`, and then there is no registration; nothing
 * that Prometheus would refuse, or that would steer its scrape beyond path, scheme and parameters, gets through.
 */
export function parseRegistration(
  body: unknown,
  identity: Identity,
  problems: FieldProblem[],
  { alsoKnown = [], leaseSeconds: lease = defaultLeaseSeconds }: ParseOptions = {},
): ParsedRegistration | undefined {
  const members = membersOf(body)
  if (members === undefined) {
    problems.push({ path: '', value: preview(body), expected: 'a JSON object with address and incarnation' })
    return undefined
  }
  const before = problems.length
  const needed = <T>(name: string, rule: FieldRule<T>): T | undefined => rule(members[name], name, problems)
  const optional = <T>(name: string, rule: FieldRule<T>, otherwise: T): T | undefined =>
    members[name] === undefined ? otherwise : rule(members[name], name, problems)

  const where = needed('address', address)
  const life = needed('incarnation', incarnation)
  const fields = {
    scheme: optional('scheme', scheme, 'http'),
    metricsPath: optional('metrics_path', metricsPath, '/metrics'),
    params: optional('params', paramSet, {}),
    labels: optional('labels', labelSet, {}),
    zone: optional('zone', zone, 'default'),
    leaseSeconds: optional('lease_seconds', leaseSeconds, lease),
  }
  const facts = parseFacts(members, problems)
  const unknown = Object.keys(members).filter((name) => !known.has(name) && !alsoKnown.includes(name))
  for (const name of unknown.slice(0, mostUnknown))
    problems.push({ path: name.slice(0, 64), value: preview(members[name]), expected: fieldRule })
  if (unknown.length > mostUnknown)
    problems.push({ path: '', value: `${unknown.length} unknown fields`, expected: fieldRule })

  if (problems.length > before || where === undefined || life === undefined) return undefined
  if (!isComplete(fields)) return undefined
  return {
    address: where,
    registration: {
      id: idOf(identity),
      namespace: identity.namespace,
      app: identity.app,
      role: identity.role,
      instance: identity.instance,
      incarnation: life,
      superseded: [],
      address: formatAddress(where.host, where.port),
      ...fields,
      facts,
    },
  }
}

/** The registration with the IP address that the name in its address stands for; the name is kept as `host`. */
export function withHostAddress(
  { registration, address: { host, port } }: ParsedRegistration,
  ip: string,
): Registration {
  return { ...registration, address: formatAddress(ip, port), host }
}

const factList = Object.entries(factFields)

function parseFacts(members: Readonly<Record<string, unknown>>, problems: FieldProblem[]): ReporterFacts {
  const facts: { -readonly [K in keyof ReporterFacts]: string } = {}
  for (const [name, key] of factList) {
    const value = members[name] === undefined ? undefined : fact(members[name], name, problems)
    if (value !== undefined) facts[key] = value
  }
  return facts
}

function isComplete<T extends object>(fields: T): fields is T & { readonly [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.values(fields).every((value) => value !== undefined)
}
