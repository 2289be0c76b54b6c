import type { ApplicationFilter, YarnApplication } from './application.ts'

/**
 * What is asked of the ResourceManager, as query parameters. Queues are not: an unknown one is refused with 400, and 3.3
 * knows `stream` where 3.4 says `root.stream`. Users are only when there is one, for it takes no list.
 */
export function filterQuery(filter: ApplicationFilter): Readonly<Record<string, string>> {
  const { types = [], states = [], tags = [], users = [] } = filter
  const [user] = users
  return {
    ...(types.length > 0 && { applicationTypes: types.join(',') }),
    ...(states.length > 0 && { states: states.join(',') }),
    ...(tags.length > 0 && { applicationTags: tags.join(',') }),
    ...(users.length === 1 && user !== undefined && { user }),
  }
}

/** All of the filter once more, because an old ResourceManager passes over parameters that it does not know. */
export function isWanted(application: YarnApplication, filter: ApplicationFilter): boolean {
  const { types = [], states = [], tags = [], queues = [], users = [] } = filter
  return (
    hasAny(types, [application.type]) &&
    hasAny(tags, application.tags) &&
    (states.length === 0 || states.includes(application.state)) &&
    (users.length === 0 || users.includes(application.user)) &&
    (queues.length === 0 || queues.some((queue) => isQueue(application.queue, queue)))
  )
}

/** Whatever the case: so does YARN with types and tags. */
function hasAny(wanted: readonly string[], has: readonly string[]): boolean {
  if (wanted.length === 0) return true
  const lower = new Set(has.map((word) => word.toLowerCase()))
  return wanted.some((word) => lower.has(word.toLowerCase()))
}

/** `stream` and `root.stream` are the same queue, and `root.teams` has `root.teams.a` in it. */
function isQueue(queue: string, wanted: string): boolean {
  const [one, other] = [withoutRoot(queue), withoutRoot(wanted)]
  return (
    other === 'root' ||
    one === other ||
    one.startsWith(`${other}.`) ||
    one.endsWith(`.${other}`) ||
    other.endsWith(`.${one}`)
  )
}

function withoutRoot(queue: string): string {
  return queue.startsWith('root.') ? queue.slice('root.'.length) : queue
}
