import type { Target } from '../model/target.ts'
import { hashOf } from '../model/text-hash.ts'
import type { FieldProblem } from '../targets/field-problem.ts'
import { idOf, parseIdentity } from '../targets/identity.ts'
import { registrationDocument } from '../targets/registration-document.ts'
import { mostShards } from '../targets/slice.ts'
import type { StartupGate } from '../targets/startup-gate.ts'
import { refusedBecause } from '../targets/target-labels.ts'
import { isEmptyReport, type LossReport, type TargetReport } from '../targets/target-report.ts'
import { readQuery, wholeNumber } from './query.ts'
import { invalid } from './registrations.ts'
import { json, Refusal, type Request, type Response, type Route, refuse } from './route.ts'

export interface ExplainTargetDeps {
  /** What is known of an id; undefined before the first view. */
  readonly explain: (id: string) => TargetReport | undefined
  readonly gate: () => StartupGate
}

/**
 * `/sd/v1/explain/…`: why a target is in the list for Prometheus, or is not. `?of=3` says in which of three shards it is.
 * 404 for an id of which nothing is known, not even that it has left.
 */
export function explainTargetRoute(deps: ExplainTargetDeps): Route {
  return {
    method: 'GET',
    path: '/sd/v1/explain/:namespace/:app/:role/:instance',
    handle: (request) => explainTarget(request, deps),
  }
}

function explainTarget(request: Request, { explain, gate }: ExplainTargetDeps): Response {
  const problems: FieldProblem[] = []
  const identity = parseIdentity(request.params, problems)
  if (identity === undefined) throw invalid(problems, 'Id')
  const { of } = readQuery(request.query, ['of'])
  const shards = of === undefined ? undefined : wholeNumber('of', of, 1, mostShards)
  const id = idOf(identity)
  const report = explain(id)
  if (report === undefined) throw new Refusal(503, `Explain "${id}": registrations have not been read yet`)
  if (isEmptyReport(report)) return refuse(404, `"${id}" is not registered, and is none of those that left lately`)
  const opened = gate()
  return json(200, {
    id,
    ...verdictOn(report),
    ...(opened.isOpen ? {} : { list: `not shown yet: waiting for ${opened.waitingFor}` }),
    ...(report.target === undefined ? {} : { slices: slicesOf(report.target, shards) }),
    ...detailsOf(report),
  })
}

interface VerdictOnTarget {
  /** In the list, in whatever state. */
  readonly listed: boolean
  readonly state: Target['state'] | 'quarantined' | 'covered' | 'absent'
  readonly why: string
}

function verdictOn(report: TargetReport): VerdictOnTarget {
  const { target, coveredBy, quarantined, evicted, departures } = report
  if (target === undefined) {
    const [bad, gone] = [quarantined[0], departures[0]]
    if (bad !== undefined) return { listed: false, state: 'quarantined', why: bad.why }
    const why = evicted === undefined ? `it left: ${gone?.why}` : `"${evicted.by}" has its address now`
    return { listed: false, state: 'absent', why }
  }
  const refused = refusedBecause(target)
  if (refused !== undefined)
    return { listed: false, state: 'quarantined', why: `Prometheus would refuse it: ${refused}` }
  if (coveredBy !== undefined)
    return { listed: false, state: 'covered', why: `"${coveredBy}" is listed at its address` }
  return { listed: true, state: target.state, why: whyInList(report, target.state) }
}

function whyInList({ lost, leaseLeftMs, holder }: TargetReport, state: Target['state']): string {
  if (lost !== undefined && state !== 'listed') {
    const left = seconds(lost.leavesInMs)
    return state === 'held'
      ? `${lost.why}; it is held because so many were lost at once, for ${left} s more at most`
      : `${lost.why}; it leaves in ${left} s unless it is heard again`
  }
  if (lost !== undefined) return `${lost.why}; its process is being looked at`
  if (leaseLeftMs !== undefined) return `its lease lasts for ${seconds(leaseLeftMs)} s more`
  return holder === undefined ? 'its znode is there' : `the replica "${holder}" keeps its znode`
}

function detailsOf(report: TargetReport): Readonly<Record<string, unknown>> {
  const { target, since, leaseLeftMs, holder, lost, probe, evicted, quarantined, departures } = report
  return {
    since: since === undefined ? undefined : time(since),
    lease_left_seconds: leaseLeftMs === undefined ? undefined : seconds(leaseLeftMs),
    holder,
    lost: lost === undefined ? undefined : lossOf(lost),
    probe: probe && { at: time(probe.at), verdict: probe.verdict, why: probe.why, learnt: probe.learnt },
    evicted: evicted && { incarnation: evicted.incarnation, by: evicted.by },
    quarantined: quarantined.length === 0 ? undefined : quarantined,
    recently_left: departures.map(({ incarnation, address, at, why }) => ({ at: time(at), why, incarnation, address })),
    registration: target && registrationDocument(target.registration),
  }
}

function lossOf({ at, why, heldAt, leavesInMs }: LossReport): Readonly<Record<string, unknown>> {
  return {
    at: time(at),
    why,
    held_at: heldAt === undefined ? undefined : time(heldAt),
    leaves_in_seconds: seconds(leavesInMs),
  }
}

/** Queries of `/sd/v1/targets` that have it in their answer; those of one line can be combined. */
function slicesOf({ registration }: Target, shards: number | undefined): readonly string[] {
  const { id, namespace, facts } = registration
  const parts = { namespace, kind: facts.kind, flink_cluster: facts.flinkCluster }
  const slices = Object.entries(parts).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  return shards === undefined ? slices : [...slices, `shard=${hashOf(id) % shards}&of=${shards}`]
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000)
}
