import type { Incarnation, Registration } from '../model/registration.ts'
import { type FieldProblem, membersOf, preview } from './field-problem.ts'
import { factFields } from './field-rules.ts'
import { parseIdentity } from './identity.ts'
import { parseRegistration } from './parse-registration.ts'

/** A registration as JSON, in the words of the HTTP API; the same text for the same registration. */
export interface RegistrationDocument {
  readonly namespace: string
  readonly app: string
  readonly role: string
  readonly instance: string
  readonly address: string
  readonly host?: string
  readonly incarnation: Incarnation
  readonly superseded?: readonly Incarnation[]
  readonly [field: string]: unknown
}

/** The whole effective document: defaults are written out, what is not known is left out. */
export function registrationDocument(registration: Registration): RegistrationDocument {
  const { namespace, app, role, instance, address, host, incarnation, superseded, facts } = registration
  const document: Record<string, unknown> = {}
  if (host !== undefined) document['host'] = host
  if (superseded.length > 0) document['superseded'] = superseded
  for (const [name, key] of factList) if (facts[key] !== undefined) document[name] = facts[key]
  return {
    namespace,
    app,
    role,
    instance,
    address,
    incarnation,
    scheme: registration.scheme,
    metrics_path: registration.metricsPath,
    params: registration.params,
    labels: registration.labels,
    zone: registration.zone,
    lease_seconds: registration.leaseSeconds,
    ...document,
  }
}

const factList = Object.entries(factFields)

const identityFields = ['namespace', 'app', 'role', 'instance']
const storedFields = [...identityFields, 'host', 'superseded']

/** Reads an item of a batch: identity and body in one object. The address may still be a name. */
export function parseBatchItem(
  item: unknown,
  problems: FieldProblem[],
  leaseSeconds?: number,
): ReturnType<typeof parseRegistration> | undefined {
  const members = membersOf(item)
  if (members === undefined) {
    problems.push({ path: '', value: preview(item), expected: 'a JSON object with an identity and an address' })
    return undefined
  }
  const identity = parseIdentity(members, problems)
  const parsed = parseRegistration(members, identity ?? nobody, problems, {
    alsoKnown: identityFields,
    ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
  })
  return identity === undefined ? undefined : parsed
}

/** Reads back what `registrationDocument` wrote; strict, because it may come from a znode that anybody could write. */
export function parseStored(document: unknown, problems: FieldProblem[]): Registration | undefined {
  const members = membersOf(document) ?? {}
  const identity = parseIdentity(members, problems)
  const parsed = parseRegistration(document, identity ?? nobody, problems, { alsoKnown: storedFields })
  const { host, superseded = [] } = members
  if (host !== undefined && (typeof host !== 'string' || host.length > 253))
    problems.push({ path: 'host', value: preview(host), expected: 'a host name' })
  if (!areTexts(superseded))
    problems.push({ path: 'superseded', value: preview(superseded), expected: 'a list of at most 8 incarnations' })
  if (parsed?.address.kind === 'name')
    problems.push({ path: 'address', value: preview(members['address']), expected: 'a literal IP address' })
  if (problems.length > 0 || parsed === undefined || !areTexts(superseded)) return undefined
  return {
    ...parsed.registration,
    superseded,
    ...(typeof host === 'string' ? { host } : {}),
  }
}

const nobody = { namespace: '', app: '', role: '', instance: '' }

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= 8 && value.every((one) => typeof one === 'string' && one.length <= 64)
}
