import type { LabelSet } from '../model/registration.ts'
import { type FieldProblem, membersOf, preview, problemText } from '../targets/field-problem.ts'
import { labelSet } from '../targets/field-rules.ts'
import { idOf, parseIdentity } from '../targets/identity.ts'
import { type ParsedRegistration, parseRegistration } from '../targets/parse-registration.ts'
import type { ForeignFormat } from './foreign-format.ts'

/** A path under which others write their members. */
export interface ForeignPath {
  /** Absolute, without the chroot of our own znodes. */
  readonly path: string
  readonly namespace: string
  readonly format: ForeignFormat
  readonly endpoint?: string
}

/** What a znode of others turned out to be; the id is known whenever its path can be one. */
export type ForeignMember =
  | { readonly kind: 'alive'; readonly parsed: ParsedRegistration }
  | { readonly kind: 'ended'; readonly id: string }
  | { readonly kind: 'quarantined'; readonly why: string; readonly id?: string }

const mostBytes = 64 * 1024
const mostLabels = 30

/**
 * Reads one znode. Its identity is its place: the folders below the path are the app, its name is the instance. A znode
 * that is created again is a new life, so that the transaction that created it is the incarnation. Never throws.
 */
export function readForeignMember(
  { path: root, namespace, format, endpoint }: ForeignPath,
  path: string,
  { data, czxid }: { readonly data: Uint8Array; readonly czxid: bigint },
): ForeignMember {
  const problems: FieldProblem[] = []
  const places = path.slice(root.length + 1).split('/')
  const app = places.slice(0, -1).join(':') || (root.split('/').at(-1) ?? '')
  const identity = parseIdentity({ namespace, app, role: 'member', instance: places.at(-1) }, problems)
  if (identity === undefined) return { kind: 'quarantined', why: textOf(problems) }
  const id = idOf(identity)
  const quarantined = (why: string): ForeignMember => ({ kind: 'quarantined', why, id })
  if (data.length > mostBytes) return quarantined(`it has ${data.length} bytes, expected at most ${mostBytes}`)
  const document = parseJson(data)
  if (document === undefined) return quarantined('it is not a JSON object in UTF-8')
  const entry = format.read(document, endpoint)
  if (entry.kind === 'bad') return quarantined(entry.why)
  if (entry.kind === 'ended') return { kind: 'ended', id }
  const { host, port, scheme, labels } = entry
  if (typeof host !== 'string' || typeof port !== 'number')
    return quarantined(`host ${preview(host)} and port ${preview(port)}, expected a text and a number`)
  const body = {
    address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    incarnation: String(czxid),
    ...(scheme === undefined ? {} : { scheme }),
    labels: asLabels(labels),
  }
  const parsed = parseRegistration(body, identity, problems)
  return parsed === undefined ? quarantined(textOf(problems)) : { kind: 'alive', parsed }
}

/** As Prometheus' own serverset_sd does with names; what can be no label is not worth losing a target for. */
function asLabels(found: Readonly<Record<string, unknown>>): LabelSet {
  const labels = new Map<string, string>()
  for (const [name, value] of Object.entries(found)) {
    const label = name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^__+|^(?=\d)/, '_')
    const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
    const one = labelSet({ [label]: text }, '', [])
    if (one !== undefined && labels.size < mostLabels) labels.set(label, text)
  }
  return Object.fromEntries(labels)
}

function textOf(problems: readonly FieldProblem[]): string {
  return problems.slice(0, 3).map(problemText).join('; ')
}

function parseJson(data: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    return membersOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)))
  } catch {
    return undefined
  }
}
