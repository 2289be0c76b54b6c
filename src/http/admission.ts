import type { Registration } from '../model/registration.ts'
import { UnavailableError } from '../runtime/errors.ts'
import { type AddressGuard, isLoopback } from '../targets/address-guard.ts'
import { type FieldProblem, preview } from '../targets/field-problem.ts'
import { sizeProblem } from '../targets/member-document.ts'
import { fieldOf, type ParsedRegistration, withHostAddress } from '../targets/parse-registration.ts'
import type { HostResolver } from './host-resolver.ts'

/** What became of a registration at the door. */
type Admitted =
  | { readonly registration: Registration }
  | { readonly problems: readonly FieldProblem[] }
  /** Its name could not be resolved now. */
  | { readonly unavailable: UnavailableError }

/** Reads one registration with `parse` and checks where it points. */
export type Admission = (
  parse: (problems: FieldProblem[]) => ParsedRegistration | undefined,
  caller: { readonly remoteAddress: string; readonly signal: AbortSignal },
) => Promise<Admitted>

export interface AdmissionDeps {
  readonly guard: AddressGuard
  readonly resolve: HostResolver
  /** Called for each wrong field, as one of few words. */
  readonly onRejected?: (field: string) => void
}

/**
 * The door for registrations. A name is resolved once, here; every address behind it must be allowed, and what is kept
 * and scraped is the literal address, so that a name that changes its mind later reaches nothing else.
 */
export function createAdmission({ guard, resolve, onRejected = () => undefined }: AdmissionDeps): Admission {
  const refuse = (problems: readonly FieldProblem[]): Admitted => {
    for (const problem of problems) onRejected(fieldOf(problem))
    return { problems }
  }
  return async (parse, { remoteAddress, signal }) => {
    const problems: FieldProblem[] = []
    const parsed = parse(problems)
    if (parsed === undefined) return refuse(problems)
    const { address, registration } = parsed
    let ips: readonly string[] = [address.host]
    try {
      if (address.kind === 'name') ips = await resolve(address.host, signal)
    } catch (error) {
      if (error instanceof UnavailableError) return { unavailable: error }
      throw error
    }
    const [first] = ips
    const caller = { isLoopback: isLoopback(remoteAddress) }
    const why =
      first === undefined
        ? `the name "${address.host}" does not exist`
        : ips.map((ip) => guard(ip, caller)).find((reason) => reason !== undefined)
    if (first === undefined || why !== undefined)
      return refuse([
        { path: 'address', value: preview(registration.address), expected: `an address that may be a target: ${why}` },
      ])
    const checked = address.kind === 'name' ? withHostAddress(parsed, first) : registration
    const tooLong = sizeProblem(checked)
    return tooLong === undefined ? { registration: checked } : refuse([tooLong])
  }
}
