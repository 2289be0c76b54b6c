import { z } from 'zod'
import type { YarnApplication, YarnAttempt, YarnContainer, YarnNode } from './application.ts'

/** What ResourceManagers and NodeManagers say, as 2.8 to 3.4 write it; only what is used is looked at. */

const MOST_TEXT = 4_096

/** Numbers that are not known are 0 there, and texts that are not known are missing, `null` or `N/A`. */
const text = z.string().max(MOST_TEXT)
const optionalText = z.string().min(1).nullish().catch(undefined)
const milliseconds = z.int().positive().optional().catch(undefined)

const id = z.string().regex(/^application_\d+_\d{4,}$/)
export const isApplicationId = (candidate: string): boolean => id.safeParse(candidate).success

const applicationRecord = z.object({
  id,
  name: text.nullish(),
  user: text.nullish(),
  queue: text.nullish(),
  state: z.string().regex(/^[A-Z_]{1,40}$/),
  finalStatus: optionalText,
  applicationType: text.nullish(),
  applicationTags: text.nullish(),
  amRPCAddress: optionalText,
  trackingUrl: optionalText,
  startedTime: milliseconds,
  finishedTime: milliseconds,
  diagnostics: optionalText,
})

const attemptRecord = z.object({
  id: z.int().positive(),
  containerId: optionalText,
  nodeHttpAddress: optionalText,
  startTime: milliseconds,
})

const containerRecord = z.object({
  id: z.string().regex(/^container_\w{1,200}$/),
  state: z.string().max(100),
  user: text,
})

const nodeRecord = z.object({
  id: z.string().min(1).max(300),
  nodeHostName: z.string().min(1).max(255),
  nodeHTTPAddress: z.string().max(300).nullish(),
  state: z.string().max(100),
})

/** An element as the domain's type, or why it is none. */
export type Read<T> = { readonly value: T } | { readonly bad: string }

export function readApplication(json: unknown): Read<YarnApplication> {
  const parsed = applicationRecord.safeParse(json)
  if (!parsed.success) return { bad: whyNot(parsed.error, json) }
  const record = parsed.data
  const amRpcAddress = record.state === 'RUNNING' ? hostAndPort(record.amRPCAddress) : undefined
  const trackingUrl = webAddress(record.trackingUrl)
  return {
    value: {
      id: record.id,
      name: record.name ?? '',
      user: record.user ?? '',
      queue: record.queue ?? '',
      state: record.state,
      type: record.applicationType ?? '',
      tags: (record.applicationTags ?? '').split(',').flatMap((tag) => (tag.trim() === '' ? [] : [tag.trim()])),
      ...(record.finalStatus != null && { finalStatus: record.finalStatus }),
      ...(amRpcAddress !== undefined && { amRpcAddress }),
      ...(trackingUrl !== undefined && { trackingUrl }),
      ...(record.startedTime !== undefined && { startedAt: record.startedTime }),
      // Every application has a start: YARN writes 0 for those who may not view it.
      ...(record.startedTime === undefined && { withheld: true as const }),
      ...(record.finishedTime !== undefined && { finishedAt: record.finishedTime }),
      ...(record.diagnostics != null && { diagnostics: record.diagnostics.slice(0, MOST_TEXT) }),
    },
  }
}

export function readAttempt(json: unknown): Read<YarnAttempt> {
  const parsed = attemptRecord.safeParse(json)
  if (!parsed.success) return { bad: whyNot(parsed.error, json) }
  const { id: number, containerId, nodeHttpAddress, startTime } = parsed.data
  return {
    value: {
      number,
      ...(containerId != null && { containerId }),
      ...(nodeHttpAddress != null && { nodeHttpAddress }),
      ...(startTime !== undefined && { startedAt: startTime }),
    },
  }
}

export function readContainer(json: unknown): Read<YarnContainer> {
  const parsed = containerRecord.safeParse(json)
  return parsed.success ? { value: parsed.data } : { bad: whyNot(parsed.error, json) }
}

export function readNode(json: unknown): Read<YarnNode> {
  const parsed = nodeRecord.safeParse(json)
  if (!parsed.success) return { bad: whyNot(parsed.error, json) }
  const { id: nodeId, nodeHostName, nodeHTTPAddress, state } = parsed.data
  // A node that is lost has no address any more.
  return { value: { id: nodeId, host: nodeHostName, httpAddress: nodeHTTPAddress ?? '', state } }
}

/** Of `/ws/v1/cluster/info`: `ACTIVE` or `STANDBY`, and `INITIALIZING` until what was running before is known again. */
export const clusterInfo = z.object({
  clusterInfo: z.object({
    haState: z.string().max(40),
    /** The milliseconds at which it became active, which are in every application's record, too. */
    id: milliseconds,
  }),
})

const ofCluster = z.object({ clusterId: milliseconds })

/** When the ResourceManager that wrote a record of an application became active. */
export function clusterIdOf(json: unknown): number | undefined {
  return ofCluster.safeParse(json).data?.clusterId
}

/** How YARN says that it did not like what was asked. */
export const remoteException = z.object({
  RemoteException: z.object({ exception: z.string().max(200), message: z.string().max(MOST_TEXT).catch('') }),
})

/** `host:port` in its usual form; undefined when it is none. Port -1 is YARN's word for none. */
export function hostAndPort(address: string | null | undefined): string | undefined {
  const match = /^(\[[\da-fA-F:.]+\]|[^\s/@[\]]{1,253}):(\d{1,5})$/.exec(address ?? '')
  if (match === null) return undefined
  const [, host = '', digits = ''] = match
  const port = Number(digits)
  if (port < 1 || port > 65_535) return undefined
  // An IPv6 address comes without brackets.
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`
}

function webAddress(url: string | null | undefined): string | undefined {
  return url != null && url.length <= MOST_TEXT && /^https?:\/\/[^\s@]+$/.test(url) ? url : undefined
}

function whyNot(error: z.ZodError, json: unknown): string {
  const named = z.object({ id: z.unknown() }).safeParse(json)
  const which = named.success ? `${JSON.stringify(named.data.id)?.slice(0, 80)}: ` : ''
  const [issue] = error.issues
  return `${which}${issue?.path.join('.') || 'record'}: ${issue?.message ?? 'not as expected'}`
}
