import { json, type Route, text } from './route.ts'

/** Whether the daemon can be asked, and what it is still waiting for when it cannot. */
export interface Readiness {
  readonly ready: boolean
  /** In words for people, such as `first cycle of Kafka cluster "main"`. */
  readonly waitingFor: readonly string[]
}

/** Healthy: the process answers. Ready: what it answers is complete; until then 503 and the list of what is missing. */
export function healthRoutes(ready: () => Readiness): readonly Route[] {
  const healthy = (path: string): Route => ({ method: 'GET', path, handle: () => text(200, 'ok\n') })
  const isReady = (path: string): Route => ({
    method: 'GET',
    path,
    handle: () => {
      const state = ready()
      return json(state.ready ? 200 : 503, { ready: state.ready, waiting_for: state.waitingFor })
    },
  })
  return [healthy('/-/healthy'), healthy('/healthz'), isReady('/-/ready'), isReady('/readyz')]
}
