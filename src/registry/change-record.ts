import type { Target } from '../model/target.ts'
import { type FieldProblem, membersOf, problemText } from '../targets/field-problem.ts'
import { parseStored, registrationDocument } from '../targets/registration-document.ts'
import type { Change } from './holdings.ts'

/** A change as the body of a journal record. */
export function encodeChange(change: Change): string {
  if ('put' in change) return JSON.stringify({ put: registrationDocument(change.put.registration) })
  const { drop, evicted } = change
  return JSON.stringify({ drop, ...(evicted && { life: evicted.incarnation, evicted_by: evicted.by }) })
}

/** What a record of the journal says, or why it says nothing that can be kept. */
export function decodeChange(body: unknown, order: number): Change | { readonly unreadable: string } {
  const members = membersOf(body) ?? {}
  const { put, drop, life: incarnation, evicted_by: by } = members
  if (typeof drop === 'string')
    return typeof incarnation === 'string' && typeof by === 'string'
      ? { drop, evicted: { incarnation, by, order } }
      : { drop }
  const problems: FieldProblem[] = []
  const registration = parseStored(put, problems)
  if (registration === undefined) return { unreadable: problems.slice(0, 3).map(problemText).join('; ') }
  const target: Target = { registration, state: 'listed', order }
  return { put: target }
}
