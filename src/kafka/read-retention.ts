import { apis } from '../kafka-wire/apis.ts'
import {
  type DescribeConfigsResponse,
  type DescribedResource,
  decodeDescribeConfigsResponse,
  encodeDescribeConfigsRequest,
  TOPIC_RESOURCE,
} from '../kafka-wire/describe-configs.ts'
import { errorCodes, errorName } from '../kafka-wire/error-codes.ts'
import type { Problem } from '../model/problem.ts'
import type { Reason } from '../model/reason.ts'
import type { Retention } from '../model/retention.ts'
import { describeError } from '../runtime/errors.ts'
import type { KafkaCluster } from './cluster.ts'
import { failureReason } from './failure-reason.ts'

/** Topics of one request: about 150 KiB of answer. */
export const RETENTIONS_PER_REQUEST = 1_000

const KEYS = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'message.timestamp.type',
  // From 3.6; brokers leave out what they do not know.
  'remote.storage.enable',
]

export interface RetentionAnswer {
  /** By topic: its retention, or why it is not known. A topic that is not there is left out, except by old brokers (1.1), which tell defaults. */
  readonly retentions: ReadonlyMap<string, Retention | Reason>
  readonly problems: readonly Problem[]
}

/**
 * Reads how long topics keep their records (DescribeConfigs, from Kafka 0.11; DESCRIBE_CONFIGS on the topics needed): one
 * request to any broker, for at most `RETENTIONS_PER_REQUEST` topics. At most one problem, however many topics are
 * refused. Before 0.11 all are `unsupported`, which is no problem.
 */
export async function readRetention(
  cluster: KafkaCluster,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<RetentionAnswer> {
  const resources = topics.map((name) => ({ type: TOPIC_RESOURCE, name, keys: KEYS }))
  try {
    const { value } = await cluster.askAny(
      {
        api: apis.DescribeConfigs,
        encode: (version) => encodeDescribeConfigsRequest(version, { resources }),
        decode: decodeDescribeConfigsResponse,
      },
      signal,
    )
    return taken(value)
  } catch (error) {
    if (signal.aborted) throw error
    const reason = failureReason(error)
    const problem = { reason, message: `Retention of topics: ${describeError(error)}` }
    return {
      retentions: new Map(topics.map((name) => [name, reason])),
      problems: reason === 'unsupported' ? [] : [problem],
    }
  }
}

function taken({ resources }: DescribeConfigsResponse): RetentionAnswer {
  const retentions = new Map<string, Retention | Reason>()
  const refused: DescribedResource[] = []
  for (const resource of resources) {
    if (resource.error === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) continue
    if (resource.error !== errorCodes.NONE) refused.push(resource)
    retentions.set(resource.name, resource.error === errorCodes.NONE ? retentionOf(resource) : reasonOf(resource))
  }
  const [first] = refused
  return { retentions, problems: first === undefined ? [] : [problemOf(first, refused.length)] }
}

function problemOf(resource: DescribedResource, refused: number): Problem {
  const reason = reasonOf(resource)
  const more = refused === 1 ? '' : ` and ${refused - 1} more`
  const what = reason === 'unauthorized' ? 'DESCRIBE_CONFIGS is needed' : errorName(resource.error)
  return { reason, topic: resource.name, message: `Retention of topic "${resource.name}"${more}: ${what}` }
}

function reasonOf({ error }: DescribedResource): Reason {
  return error === errorCodes.TOPIC_AUTHORIZATION_FAILED ? 'unauthorized' : 'read_failed'
}

function retentionOf({ configs }: DescribedResource): Retention {
  const values = new Map(configs.map(({ name, value }) => [name, value]))
  const policy = values.get('cleanup.policy') ?? ''
  const [deletes, compacts] = [policy.includes('delete'), policy.includes('compact')]
  const retentionMs = limitOf(values.get('retention.ms'))
  const retentionBytes = limitOf(values.get('retention.bytes'))
  const remote = values.get('remote.storage.enable')
  return {
    cleanup: compacts ? (deletes ? 'both' : 'compact') : 'delete',
    ...(retentionMs === undefined ? {} : { retentionMs }),
    ...(retentionBytes === undefined ? {} : { retentionBytes }),
    timestampType: values.get('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    ...(remote === undefined ? {} : { remote: remote === 'true' }),
  }
}

/** −1 is Kafka's word for no limit; what is not a number is not one either. */
function limitOf(text: string | undefined): number | undefined {
  const limit = text === undefined || text === '' ? Number.NaN : Number(text)
  return Number.isFinite(limit) && limit >= 0 ? limit : undefined
}
