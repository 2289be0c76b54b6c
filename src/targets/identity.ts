import type { Identity } from '../model/registration.ts'
import { type FieldProblem, preview } from './field-problem.ts'
import { isPlainText } from './plain-text.ts'

const parts = ['namespace', 'app', 'role', 'instance'] as const

const word = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/
const wordRule = '1 to 63 letters, digits, ".", "_" or "-", the first a letter or digit'
const nameRule = '1 to 128 characters without "/", control characters or blanks at the ends'

const rules: Readonly<Record<keyof Identity, readonly [(text: string) => boolean, string]>> = {
  namespace: [(text) => word.test(text), wordRule],
  app: [isName, nameRule],
  role: [(text) => word.test(text), wordRule],
  instance: [isName, nameRule],
}

function isName(text: string): boolean {
  return text.length <= 128 && /^[^\s/](?:[^/]*[^\s/])?$/.test(text) && isPlainText(text) && !/^\.\.?$/.test(text)
}

/** The id of an identity: its parts joined by `/`, which none of them contains. */
export function idOf({ namespace, app, role, instance }: Identity): string {
  return `${namespace}/${app}/${role}/${instance}`
}

/** The identity in a document or in the parameters of a path; what is wrong with it goes to `problems`. */
export function parseIdentity(from: Readonly<Record<string, unknown>>, problems: FieldProblem[]): Identity | undefined {
  const before = problems.length
  const read = (part: keyof Identity): string => {
    const value = from[part]
    const [isRight, expected] = rules[part]
    if (typeof value === 'string' && isRight(value)) return value
    problems.push({ path: part, value: preview(value), expected })
    return ''
  }
  const [namespace = '', app = '', role = '', instance = ''] = parts.map(read)
  return problems.length === before ? { namespace, app, role, instance } : undefined
}

/** The identity in an id; undefined when it is none. */
export function splitId(id: string): Identity | undefined {
  const [namespace, app, role, instance, ...more] = id.split('/')
  return more.length > 0 ? undefined : parseIdentity({ namespace, app, role, instance }, [])
}
