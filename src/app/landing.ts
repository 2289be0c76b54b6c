import { landingPage } from '../console/landing.ts'
import { consoleCss } from '../console/style.ts'
import { landingRoute } from '../http/landing.ts'
import { type Route, securityHeaders } from '../http/route.ts'
import type { JobView } from '../model/job-view.ts'
import type { TargetState } from '../model/target.ts'
import type { Clock } from '../runtime/clock.ts'
import type { KafkaService } from './kafka-service.ts'

export interface ConsoleInput {
  readonly version: string
  readonly demo: boolean
  readonly clock: Clock
  readonly clusters: readonly KafkaService[]
  readonly targets: () => Readonly<Record<TargetState, number>> | undefined
  /** The jobs as last made out; undefined where none are looked for, and before the first time. */
  readonly jobs?: () => readonly JobView[] | undefined
  /** `host:port` at which we can be reached. */
  readonly address: () => string
}

/** The landing page and its style sheet. */
export function consoleRoutes(input: ConsoleInput): readonly Route[] {
  const page = (): string => {
    const states = input.targets()
    const jobs = input.jobs?.()
    return landingPage({
      version: input.version,
      demo: input.demo,
      address: input.address(),
      now: input.clock.monotonic(),
      clusters: input.clusters.map((cluster) => {
        const snapshot = cluster.current()
        const cycleMs = cluster.cycleMs()
        return {
          name: cluster.kafkaCluster,
          ...(snapshot === undefined ? {} : { snapshot }),
          ...(cycleMs === undefined ? {} : { cycleMs }),
        }
      }),
      ...(states === undefined ? {} : { targets: new Map(entries(states)) }),
      ...(jobs === undefined ? {} : { jobs }),
    })
  }
  return [
    landingRoute(page),
    {
      method: 'GET',
      path: '/console.css',
      handle: () => ({
        status: 200,
        headers: { 'Content-Type': 'text/css; charset=utf-8', ...securityHeaders },
        body: consoleCss,
      }),
    },
  ]
}

function entries(states: Readonly<Record<TargetState, number>>): [TargetState, number][] {
  return [
    ['listed', states.listed],
    ['lingering', states.lingering],
    ['held', states.held],
    ['quarantined', states.quarantined],
  ]
}
