import { isIPv6 } from 'node:net'
import { UnavailableError } from '../runtime/errors.ts'
import { isOver } from './read-job.ts'
import { type RestHttp, refusal } from './rest-http.ts'
import { type JobOverview, jobOverview, member, readList, taskManagerEntry } from './rest-shapes.ts'

/** A TaskManager as the JobManager lists it; it may be dead for a minute already. */
export interface TaskManager {
  /** On YARN its container. */
  readonly id: string
  /** From its RPC path; a name or an IP address, no brackets. */
  readonly host: string
  /** Milliseconds of the JobManager's wall clock at which it was heard last. */
  readonly lastHeartbeatAt?: number
  readonly slots?: number
  readonly freeSlots?: number
}

/** What every look begins with. */
export interface ClusterLists {
  readonly overviews: readonly JobOverview[]
  readonly taskManagers: readonly TaskManager[]
  /** Sentences about entries that are left out. */
  readonly problems: readonly string[]
}

/** Of many that are wrong in one way. */
const mostSaid = 3

/** @throws UnavailableError when one of them cannot be read */
export async function readLists(http: RestHttp, signal: AbortSignal): Promise<ClusterLists> {
  const [jobs, taskManagers] = await Promise.all([
    readOne(http, '/jobs/overview', 'jobs', 'Job', jobOverview, signal),
    readOne(http, '/taskmanagers', 'taskmanagers', 'TaskManager', taskManagerEntry, signal),
  ])
  const problems = [...jobs.problems, ...taskManagers.problems]
  const overviews = new Map<string, JobOverview>()
  const doubles = new Map<string, number>()
  for (const overview of jobs.elements) {
    const { jid } = overview
    if (overviews.has(jid)) doubles.set(jid, (doubles.get(jid) ?? 1) + 1)
    else overviews.set(jid, overview)
  }
  for (const [jid, times] of [...doubles].slice(0, mostSaid))
    problems.push(`Job "${jid}" is listed ${times} times: the first is taken`)
  if (doubles.size > mostSaid) problems.push(`${doubles.size - mostSaid} more jobs are listed several times`)
  let hostless = 0
  const found: TaskManager[] = []
  for (const { id, path, timeSinceLastHeartbeat, slotsNumber, freeSlots } of taskManagers.elements) {
    const host = hostIn(path)
    if (host === undefined) {
      if (++hostless > mostSaid) continue
      problems.push(`TaskManager "${id}" is left out: no host in its path ${JSON.stringify(path.slice(0, 200))}`)
      continue
    }
    found.push({
      id,
      host,
      // The name says a duration, the value is a time.
      ...(timeSinceLastHeartbeat === undefined ? {} : { lastHeartbeatAt: timeSinceLastHeartbeat }),
      ...(slotsNumber === undefined ? {} : { slots: slotsNumber }),
      ...(freeSlots === undefined ? {} : { freeSlots }),
    })
  }
  if (hostless > mostSaid)
    problems.push(`${hostless - mostSaid} more TaskManagers are left out: no host in their paths`)
  return { overviews: [...overviews.values()], taskManagers: found, problems }
}

async function readOne<T>(
  http: RestHttp,
  path: string,
  name: string,
  what: string,
  schema: Parameters<typeof readList<T>>[2],
  signal: AbortSignal,
) {
  const answer = await http.json(path, signal)
  if (answer.status !== 200) throw refusal(`Read ${http.url}${path}`, answer)
  const list = await readList(member(answer.value, name), what, schema)
  if (list === undefined)
    throw new UnavailableError(`Read ${http.url}${path}: there is no list "${name}", this is no JobManager of Flink`)
  return list
}

/** `akka.tcp://flink@host:port/user/…`, from 1.18 on `pekko.tcp:`; IPv6 in brackets. */
function hostIn(path: string): string | undefined {
  const host = /@(\[[^\]/@]+\]|[^:/@\s[\]]+):\d+(?:\/|$)/.exec(path)?.[1]
  if (host === undefined || !host.startsWith('[')) return host
  const plain = host.slice(1, -1)
  return isIPv6(plain) ? plain : undefined
}

/** A JobManager forgets no job within the hour and no TaskManager but one by one: then it is another one. */
export function isOtherLife(before: ClusterLists, now: ClusterLists): boolean {
  const jobs = new Set(now.overviews.map((overview) => `${overview.jid} ${overview['start-time']}`))
  const processes = new Set(now.taskManagers.map(({ id }) => id))
  return (
    before.overviews.some((overview) => !isOver(overview) && !jobs.has(`${overview.jid} ${overview['start-time']}`)) ||
    (before.taskManagers.length > 0 && before.taskManagers.every(({ id }) => !processes.has(id)))
  )
}
