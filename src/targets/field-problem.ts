/** One field of a document that is wrong. */
export interface FieldProblem {
  /** Where, such as `labels.job` or `params.module`; empty for the document itself. */
  readonly path: string
  /** The value as found, cut short. */
  readonly value: string
  readonly expected: string
}

/** A problem as one line for people. */
export function problemText({ path, value, expected }: FieldProblem): string {
  return `${path === '' ? 'document' : path}: ${value}, expected ${expected}`
}

const longest = 80

/** A value for a message: never longer than a line, never looked into, so that depth and size do no harm. */
export function preview(value: unknown): string {
  if (value === undefined) return 'missing'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value !== 'string') return String(value)
  return value.length <= longest ? JSON.stringify(value) : `${JSON.stringify(value.slice(0, longest))}…`
}

/** The members of a JSON object; undefined for everything else. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(value) ? value : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
