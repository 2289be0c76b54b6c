import { z } from 'zod'
import { hints } from '../config/hints.ts'
import { pattern } from '../config/pattern.ts'
import { besideOthers, member } from '../config/rules.ts'
import { Secret } from '../config/secret.ts'
import { parsed, text } from '../config/text-options.ts'
import { scopes } from '../http/tokens.ts'
import { cidrRule, isCidr } from '../targets/address-guard.ts'

const expectedDigest = 'the SHA-256 of the token as 64 hexadecimal digits (printf %s "$TOKEN" | sha256sum)'
// Never printed: by mistake it may be the token itself.
const digest = parsed(expectedDigest, (value) =>
  /^[\da-f]{64}$/i.test(value) ? new Secret(value.toLowerCase()) : undefined,
).register(hints, { expected: expectedDigest, secret: true })

/** First and last port, both included. */
interface PortRange {
  readonly first: number
  readonly last: number
}

const ports = parsed('a port such as 9250, or a range such as 9250-9259', (value): PortRange | undefined => {
  const [, first = '', last = first] = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(value) ?? []
  const range = { first: Number(first), last: Number(last) }
  return range.first >= 1 && range.first <= range.last && range.last <= 65_535 ? range : undefined
})

const moment = parsed(
  'a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z',
  (value): number | undefined => {
    const day = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d)?Z)?$/.exec(value)?.[1]
    const ms = Date.parse(value)
    // A day that the month does not have would be taken for one of the next month.
    return day !== undefined && !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day) ? ms : undefined
  },
)

const token = z.strictObject({
  name: text('1 to 63 letters, digits, ".", "_" or "-"', /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/).describe(
    'Who calls with it, in the audit log; two tokens of one name are one caller, so that one can be exchanged for the other.',
  ),
  sha256: digest.describe('SHA-256 of the token; the token itself is in no file of ours.'),
  scopes: z
    .enum(scopes)
    .array()
    .min(1)
    .describe(
      'What it may do: `register` (put, heartbeat, withdraw), `admin` (withdraw and release anywhere), `reload`.',
    ),
  namespaces: pattern().array().prefault([]).describe('Namespaces in which it may register.'),
  allowed_cidrs: text(cidrRule, { test: isCidr })
    .array()
    .optional()
    .describe('Networks in which the addresses registered with it must lie, inside `registration.allowed_cidrs`.'),
  allowed_ports: ports.array().optional().describe('Ports that may be registered with it.'),
  quota: z.int().min(1).optional().describe('Most registrations that may be listed in its namespaces.'),
  rate: z.int().min(1).prefault(1_000).describe('Most changing requests a second, twice as many at once.'),
  expires: moment.optional().describe('When it stops being good: the beginning of that day, or the time.'),
})

/** The option `registration.tokens`. */
export const tokenList = token
  .array()
  .prefault([])
  .superRefine((value: unknown, context) => {
    const seen = new Set<string>()
    for (const [index, entry] of (Array.isArray(value) ? value : []).entries()) {
      const [sha256, allowed, namespaces] = ['sha256', 'scopes', 'namespaces'].map((name) => member(entry, name))
      const refuse = (name: string, message: string): void =>
        context.addIssue({ code: 'custom', path: [index, name], message })
      if (sha256 instanceof Secret) {
        if (seen.has(sha256.reveal())) refuse('sha256', 'given twice, expected another token')
        seen.add(sha256.reveal())
      }
      if (
        Array.isArray(allowed) &&
        allowed.includes('register') &&
        Array.isArray(namespaces) &&
        namespaces.length === 0
      )
        refuse('namespaces', 'empty, expected at least one pattern beside the scope register')
    }
  }, besideOthers)

/** One entry of `registration.tokens`. */
export type TokenConfig = z.output<typeof token>
