import { type FieldProblem, membersOf, preview } from '../targets/field-problem.ts'
import { splitId } from '../targets/identity.ts'
import type { Changes } from './changes.ts'
import { invalid } from './registrations.ts'
import { parseJson, readJsonText } from './request-body.ts'
import { json, type Route } from './route.ts'

export interface HeldDeps {
  readonly changes: Pick<Changes, 'run'>
  /** Of these ids, or of all, those that are held leave the list; answers with their ids. */
  readonly release: (ids?: readonly string[]) => readonly string[]
}

const mostBytes = 1024 * 1024
/** So many ids stand in an answer; the number is of all. */
const mostNamed = 1_000

/**
 * `POST /v1/held/release`: lets go of targets in state `held`, named as `{"ids": […]}` or with `{"all": true}`. Whoever is
 * not held is left alone and not named in the answer.
 */
export function heldRoute({ changes, release }: HeldDeps): Route {
  return {
    method: 'POST',
    path: '/v1/held/release',
    handle: (request) =>
      changes.run(request, { verb: 'release' }, async (_caller, note) => {
        const released = release(readIds(parseJson(await readJsonText(request, mostBytes))))
        note({ count: released.length, ids: released, outcome: 'released' })
        return json(200, { released: released.length, ids: released.slice(0, mostNamed) })
      }),
  }
}

/** Undefined for all. @throws Refusal 422 */
function readIds(body: unknown): readonly string[] | undefined {
  const { ids, all, ...others } = membersOf(body) ?? {}
  if (Object.keys(others).length === 0) {
    if (all === true && ids === undefined) return undefined
    if (all === undefined && areIds(ids)) return ids
  }
  const expected = '{"all": true}, or {"ids": […]} with ids as namespace/app/role/instance'
  const problem: FieldProblem = { path: '', value: preview(body), expected }
  throw invalid([problem], 'Release')
}

function areIds(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && splitId(one) !== undefined)
}
