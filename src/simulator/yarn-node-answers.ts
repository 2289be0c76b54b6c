import type { HttpAnswer } from './http-answer.ts'
import type { YarnApplications } from './yarn-applications.ts'
import { exception, json, nodeId } from './yarn-web.ts'

/** Answers a GET as a NodeManager does. */
export function nodeManagerAnswer(
  { yarn, nodeAddress }: { readonly yarn: YarnApplications; readonly nodeAddress: string },
  target: string,
): HttpAnswer {
  if (new URL(target, 'http://node').pathname !== '/ws/v1/node/containers')
    return exception(404, 'NotFoundException', 'java.lang.Exception: not found')
  const container = yarn.all.flatMap(({ attempts, plan }) =>
    attempts.flatMap(({ containers }) =>
      containers
        .filter(({ isRunning }) => isRunning)
        .map(({ id }) => ({
          id,
          state: 'RUNNING',
          exitCode: -1_000,
          diagnostics: '',
          user: plan.user,
          totalMemoryNeededMB: 1_024,
          totalVCoresNeeded: 1,
          executionType: 'GUARANTEED',
          containerLogsLink: `http://${nodeAddress}/node/containerlogs/${id}/${plan.user}`,
          nodeId: nodeId(nodeAddress),
        })),
    ),
  )
  return json({ containers: container.length === 0 ? {} : { container } })
}
