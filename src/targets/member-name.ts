import type { Identity, Incarnation } from '../model/registration.ts'
import { parseIdentity } from './identity.ts'

/** What the path of a member says of it. */
export interface MemberName {
  readonly identity: Identity
  readonly incarnation: Incarnation
}

/**
 * The path of a member below `targets/`: `<namespace>/<app>/member_<role>_<instance>_<incarnation>`. Finagle wants the
 * `member_`; the incarnation is part of the name because a znode that is created again starts at version 0, so that a
 * version is no fence. What is not a letter, a digit, ".", "-" or "_" is percent-encoded, in role and incarnation "_"
 * too, so that the underscores around the instance are found again.
 */
export function memberPath({ namespace, app, role, instance }: Identity, incarnation: Incarnation): string {
  return `${encode(namespace)}/${encode(app)}/${memberName(role, instance, incarnation)}`
}

/** The directory of the members of an app below `targets/`. */
export function memberFolder({ namespace, app }: Pick<Identity, 'namespace' | 'app'>): string {
  return `${encode(namespace)}/${encode(app)}`
}

/** The identity and the incarnation of a path below `targets/`; undefined when it is not one of ours. */
export function parseMemberPath(path: string): MemberName | undefined {
  const [namespace, app, name = '', ...more] = path.split('/')
  const match = /^member_([^_]+)_(.+)_([^_]+)$/.exec(name)
  if (match === null || more.length > 0 || namespace === undefined || app === undefined) return undefined
  const [, role, instance, life] = match
  const decoded = [namespace, app, role, instance, life].map((part) => decode(part ?? ''))
  const incarnation = decoded[4]
  const identity = parseIdentity({ namespace: decoded[0], app: decoded[1], role: decoded[2], instance: decoded[3] }, [])
  if (identity === undefined || incarnation === undefined || incarnation.length > 64) return undefined
  // One member, one path: another spelling of the same name would be a second one.
  return memberPath(identity, incarnation) === path ? { identity, incarnation } : undefined
}

function memberName(role: string, instance: string, incarnation: string): string {
  return `member_${encode(role).replaceAll('_', '%5F')}_${encode(instance)}_${encode(incarnation).replaceAll('_', '%5F')}`
}

/** `encodeURIComponent` leaves `!'()*~` alone, which is fine for us, but "." and ".." are no names of a znode. */
function encode(part: string): string {
  return encodeURIComponent(part).replace(/^\.{1,2}$/, (dots) => '%2E'.repeat(dots.length))
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
