import type { Registration } from '../model/registration.ts'
import { type FieldProblem, membersOf, problemText } from './field-problem.ts'
import { idOf } from './identity.ts'
import { parseMemberPath } from './member-name.ts'
import { parseAddress } from './parse-address.ts'
import { parseStored, registrationDocument } from './registration-document.ts'

/** Longer documents are refused at the door and quarantined in a znode, in bytes. */
const mostMemberBytes = 4096
/** What the replica that writes it adds. */
const mostHolderBytes = 256

/** What a znode under `targets/` turned out to be. */
export type Member =
  | { readonly kind: 'alive'; readonly registration: Registration }
  /** Its end was announced: Finagle's DEAD, STOPPING and STOPPED. */
  | { readonly kind: 'ended'; readonly id: string }
  | { readonly kind: 'quarantined'; readonly why: string }

/** Who speaks to the registrant, and what it knows the registration by. */
export interface Held {
  /** The name of the replica. */
  readonly holder: string
  /** The number of the registration's record in that replica's journal; absent when it keeps none. */
  readonly record?: number
}

const endings: readonly unknown[] = ['DEAD', 'STOPPING', 'STOPPED']

/**
 * The document of a member, one JSON object for all its readers:
 *
 * - `serviceEndpoint`, `additionalEndpoints`, `status`, `shard`: Prometheus' serverset_sd and Finagle;
 * - `metadata`: Finagle; the registrant's labels;
 * - `host`, `port`, `name`: Prometheus' nerve_sd;
 * - `registration`: ourselves; everything, in the words of the HTTP API;
 * - `holder`, `record`: ourselves; the replica to which the registrant speaks, and the number of the record in its journal.
 *
 * Go matches keys without regard to case, so no key may differ from one of theirs by case only.
 */
export function encodeMember(
  registration: Registration,
  status: 'ALIVE' | 'STOPPED' = 'ALIVE',
  held?: Held,
): Uint8Array {
  const { host = '', port = 0 } = parseAddress(registration.address) ?? {}
  const document = {
    serviceEndpoint: { host, port },
    additionalEndpoints: {},
    status,
    shard: 0,
    metadata: registration.labels,
    host,
    port,
    name: registration.id,
    registration: registrationDocument(registration),
    ...held,
  }
  return new TextEncoder().encode(JSON.stringify(document))
}

/** A registration whose document would be longer than a member may be; undefined when it fits. */
export function sizeProblem(registration: Registration): FieldProblem | undefined {
  const { length } = encodeMember(registration)
  if (length <= mostMemberBytes) return undefined
  return {
    path: '',
    value: `a document of ${length} bytes`,
    expected: `at most ${mostMemberBytes} bytes as a member document: fewer or shorter labels`,
  }
}

/** Reads a znode; `path` is relative to `targets/`. Never throws: what is wrong is quarantined with its reason. */
export function decodeMember(path: string, data: Uint8Array | undefined): Member {
  const name = parseMemberPath(path)
  if (name === undefined)
    return quarantined('its name is not namespace/app/member_role_instance_incarnation as Lagkeeper writes it')
  if (data === undefined || data.length === 0) return quarantined('it is empty')
  if (data.length > mostMemberBytes + mostHolderBytes)
    return quarantined(`it has ${data.length} bytes, expected at most ${mostMemberBytes}`)
  const parsed = parseJson(data)
  const members = membersOf(parsed)
  if (members === undefined) return quarantined('it is not a JSON object in UTF-8')
  if (endings.includes(members['status'])) return { kind: 'ended', id: idOf(name.identity) }

  const problems: FieldProblem[] = []
  const registration = parseStored(members['registration'] ?? foreignDocument(members, name), problems)
  if (registration === undefined) return quarantined(problems.slice(0, 3).map(problemText).join('; '))
  if (registration.id !== idOf(name.identity) || registration.incarnation !== name.incarnation)
    return quarantined(`it is the document of "${registration.id}" ${registration.incarnation}, another member`)
  return { kind: 'alive', registration }
}

/** Who holds the member with this document, without a look at the rest of it; undefined when it has ended or does not say. */
export function readHeld(data: Uint8Array): Held | undefined {
  if (data.length === 0 || data.length > mostMemberBytes + mostHolderBytes) return undefined
  const { holder, record, status } = membersOf(parseJson(data)) ?? {}
  if (typeof holder !== 'string' || endings.includes(status)) return undefined
  return { holder, ...(typeof record === 'number' && Number.isSafeInteger(record) && { record }) }
}

/** A plain serverset or nerve document under a name of ours: identity from the name, labels from Finagle's metadata. */
function foreignDocument(
  members: Readonly<Record<string, unknown>>,
  { identity, incarnation }: NonNullable<ReturnType<typeof parseMemberPath>>,
): unknown {
  const endpoint = membersOf(members['serviceEndpoint']) ?? members
  const { host, port } = endpoint
  // Not with String(): an object of strangers may have a toString that is no function.
  const isComplete = typeof host === 'string' && ['string', 'number'].includes(typeof port)
  const address = isComplete ? `${host.includes(':') ? `[${host}]` : host}:${String(port)}` : undefined
  return { ...identity, incarnation, address, labels: members['metadata'] ?? {} }
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data))
  } catch {
    return undefined
  }
}

function quarantined(why: string): Member {
  return { kind: 'quarantined', why }
}
