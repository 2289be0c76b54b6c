import { type HttpAnswer, longMax } from './http-answer.ts'
import type { YarnApplication, YarnApplications, YarnAttempt } from './yarn-applications.ts'
import { exception, json, nodeId, textType } from './yarn-web.ts'

/** A ResourceManager of a pair, and what it needs to answer. */
export interface ResourceManagerContext {
  readonly yarn: YarnApplications
  readonly now: () => number
  readonly isActive: boolean
  /** `host:port` of the active one; undefined when none is. */
  readonly activeAddress: string | undefined
  /** `host:port` of the web server of the only node. */
  readonly nodeAddress: string
  /** Who answers for the JobManager of an application; undefined when it is dead. */
  readonly proxied: (application: YarnApplication) => ((target: string) => HttpAnswer | undefined) | undefined
}

const states = ['NEW', 'NEW_SAVING', 'SUBMITTED', 'ACCEPTED', 'RUNNING', 'FINISHED', 'FAILED', 'KILLED'] as const

/**
 * Answers a GET as a ResourceManager of Hadoop 3.4 with high availability does.
 *
 * @returns undefined when it would let whoever asks wait, as the JobManager behind its proxy does
 */
export function resourceManagerAnswer(context: ResourceManagerContext, target: string): HttpAnswer | undefined {
  const { pathname } = new URL(target, 'http://rm')
  // The only questions that a standby answers itself.
  if (pathname === '/ws/v1/cluster/info') return json(clusterInfo(context))
  if (pathname === '/isActive')
    return { status: context.isActive ? 200 : 405, contentType: textType, body: context.isActive ? '' : 'not active\n' }
  if (!context.isActive) return standby(context, target)
  if (pathname.startsWith('/proxy/')) return proxy(context, target)
  return activeAnswer(context, target)
}

function activeAnswer(
  { yarn, now, nodeAddress, activeAddress = '' }: ResourceManagerContext,
  target: string,
): HttpAnswer {
  const { pathname, searchParams } = new URL(target, 'http://rm')
  const record = (one: YarnApplication) => applicationRecord(one, yarn, now(), activeAddress, nodeAddress)
  if (pathname === '/ws/v1/cluster/apps') return list(yarn, searchParams, record)
  if (pathname === '/ws/v1/cluster/nodes') return json({ nodes: { node: [nodeRecord(yarn, now(), nodeAddress)] } })
  const [, id, what] = /^\/ws\/v1\/cluster\/apps\/([^/]+)(?:\/(appattempts))?$/.exec(pathname) ?? []
  if (id === undefined) return { status: 404, contentType: 'text/html', body: '<html><body>Not Found</body></html>' }
  const application = yarn.all.find((one) => one.id === id)
  if (application === undefined)
    return exception(404, 'NotFoundException', `java.lang.Exception: app with id: ${id} not found`)
  if (what === undefined) return json({ app: record(application) })
  const attempts = application.attempts.map((attempt) => attemptRecord(application, attempt, nodeAddress))
  return json({ appAttempts: { appAttempt: attempts } })
}

/** Names another member by its own name, whatever it was asked by. */
function standby({ activeAddress }: ResourceManagerContext, target: string): HttpAnswer {
  if (activeAddress === undefined)
    return {
      status: 307,
      contentType: textType,
      headers: { Refresh: `3;url=${target}` },
      body: 'Can not find any active RM. Will retry in next 3 seconds.\nHA Zookeeper Connection State: CONNECTED\n',
    }
  return {
    status: 307,
    contentType: textType,
    headers: { Location: `http://${activeAddress}${target}` },
    body: `This is standby RM. The redirect url is: ${target.replaceAll('&', '&amp;')}\n`,
  }
}

function proxy({ yarn, proxied, activeAddress = '' }: ResourceManagerContext, target: string): HttpAnswer | undefined {
  const [, id = '', rest = ''] = /^\/proxy\/([^/?]+)(.*)$/.exec(target) ?? []
  const application = yarn.all.find((one) => one.id === id)
  const answer = application?.state === 'RUNNING' ? proxied(application) : undefined
  if (answer !== undefined) return answer(rest === '' ? '/' : rest)
  const location = `http://${activeAddress}/cluster/app/${id}`
  return { status: 302, contentType: 'text/plain', headers: { Location: location }, body: '' }
}

function list(
  yarn: YarnApplications,
  query: URLSearchParams,
  record: (application: YarnApplication) => object,
): HttpAnswer {
  const wanted = listed(query, 'states')
  const bad = wanted.find((state) => !states.some((known) => known === state))
  if (bad !== undefined)
    return exception(
      400,
      'BadRequestException',
      `java.lang.Exception: Invalid application-state ${bad} specified. It should be one of [${states.join(', ')}]`,
    )
  const types = listed(query, 'applicationTypes').map((type) => type.toLowerCase())
  const tags = listed(query, 'applicationTags').map((tag) => tag.toLowerCase())
  const user = query.get('user')
  const found = yarn.all.filter(
    ({ state, plan }) =>
      (wanted.length === 0 || wanted.includes(state)) &&
      (types.length === 0 || types.includes(plan.type.toLowerCase())) &&
      (tags.length === 0 || plan.tags.some((tag) => tags.includes(tag))) &&
      (user === null || user === plan.user),
  )
  // The newest first; none at all is an object without a list.
  return json({ apps: found.length === 0 ? {} : { app: found.map(record).reverse() } })
}

function listed(query: URLSearchParams, name: string): readonly string[] {
  return query.getAll(name).flatMap((value) => value.split(',').filter((part) => part !== ''))
}

function clusterInfo({ yarn, isActive }: ResourceManagerContext) {
  return {
    clusterInfo: {
      id: yarn.clusterTimestamp,
      startedOn: yarn.clusterTimestamp,
      state: 'STARTED',
      haState: isActive ? 'ACTIVE' : 'STANDBY',
      rmStateStoreName: 'org.apache.hadoop.yarn.server.resourcemanager.recovery.ZKRMStateStore',
      resourceManagerVersion: '3.4.1',
      hadoopVersion: '3.4.1',
      haZooKeeperConnectionState: 'CONNECTED',
    },
  }
}

function applicationRecord(
  application: YarnApplication,
  yarn: YarnApplications,
  now: number,
  address: string,
  nodeAddress: string,
) {
  const { id, plan, state, startedAt, finishedAt, diagnostics, attempts } = application
  const attempt = attempts.at(-1)
  const isOver = finishedAt !== undefined
  const running = attempt?.containers.filter(({ isRunning }) => isRunning).length ?? 0
  const finalStatus = {
    FINISHED: 'SUCCEEDED',
    FAILED: 'FAILED',
    KILLED: 'KILLED',
    ACCEPTED: 'UNDEFINED',
    RUNNING: 'UNDEFINED',
  }
  // A killed or failed one loses its address, a finished one keeps it, dead as it is.
  const rpcAddress = state === 'RUNNING' || state === 'FINISHED' ? attempt?.rpcAddress : undefined
  const trackingUrl = isOver ? `http://${address}/cluster/app/${id}` : `http://${address}/proxy/${id}/`
  return {
    id,
    user: plan.user,
    name: plan.name,
    queue: plan.queue,
    state,
    finalStatus: finalStatus[state],
    progress: state === 'ACCEPTED' ? 0 : 100,
    trackingUI: isOver ? 'History' : state === 'RUNNING' ? 'ApplicationMaster' : 'UNASSIGNED',
    ...(state === 'ACCEPTED' ? {} : { trackingUrl }),
    diagnostics,
    clusterId: yarn.clusterTimestamp,
    rmClusterId: 'simulated',
    applicationType: plan.type,
    applicationTags: plan.tags.toSorted().join(','),
    priority: 0,
    startedTime: startedAt,
    launchTime: startedAt + 1_000,
    finishedTime: finishedAt ?? 0,
    elapsedTime: (finishedAt ?? now) - startedAt,
    amContainerLogs: `http://${nodeAddress}/node/containerlogs/${attempt?.containers[0]?.id ?? ''}/${plan.user}`,
    amHostHttpAddress: nodeAddress,
    ...(rpcAddress === undefined ? {} : { amRPCAddress: rpcAddress }),
    masterNodeId: nodeId(nodeAddress),
    allocatedMB: isOver ? -1 : running * 1_024,
    allocatedVCores: isOver ? -1 : running,
    runningContainers: isOver ? -1 : running,
    logAggregationStatus: 'DISABLED',
    unmanagedApplication: false,
    amNodeLabelExpression: '',
    resourceInfo: resourceInfo(running),
    timeouts: { timeout: [{ type: 'LIFETIME', expiryTime: 'UNLIMITED', remainingTimeInSeconds: -1 }] },
  }
}

/** Has the largest number that there is, which JavaScript has not. */
function resourceInfo(containers: number) {
  const memory = containers * 1_024
  const common = { attributes: {}, maximumAllocation: longMax, minimumAllocation: 0, resourceType: 'COUNTABLE' }
  const resourceInformation = [
    { ...common, name: 'memory-mb', units: 'Mi', value: memory },
    { ...common, name: 'vcores', units: '', value: containers },
  ]
  const used = { memory, vCores: containers, resourceInformations: { resourceInformation } }
  return { resourceUsagesByPartition: [{ partitionName: '', used }] }
}

function attemptRecord({ id, plan }: YarnApplication, attempt: YarnAttempt, nodeAddress: string) {
  const { number, startedAt, finishedAt, containers } = attempt
  const containerId = containers[0]?.id ?? ''
  return {
    id: number,
    startTime: startedAt,
    finishedTime: finishedAt ?? 0,
    containerId,
    nodeHttpAddress: nodeAddress,
    nodeId: nodeId(nodeAddress),
    logsLink: `http://${nodeAddress}/node/containerlogs/${containerId}/${plan.user}`,
    blacklistedNodes: '',
    nodesBlacklistedBySystem: '',
    appAttemptId: `${id.replace('application', 'appattempt')}_${String(number).padStart(6, '0')}`,
    exportPorts: 'null',
    appAttemptState: finishedAt === undefined ? 'RUNNING' : 'FAILED',
  }
}

function nodeRecord({ all }: YarnApplications, now: number, nodeAddress: string) {
  const containers = all.flatMap(({ attempts }) => attempts.flatMap((attempt) => attempt.containers))
  return {
    rack: '/default-rack',
    state: 'RUNNING',
    id: nodeId(nodeAddress),
    nodeHostName: '127.0.0.1',
    nodeHTTPAddress: nodeAddress,
    lastHealthUpdate: now,
    version: '3.4.1',
    healthReport: '',
    numContainers: containers.filter(({ isRunning }) => isRunning).length,
  }
}
