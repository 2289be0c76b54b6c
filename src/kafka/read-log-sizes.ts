import { apis } from '../kafka-wire/apis.ts'
import {
  type DescribeLogDirsResponse,
  decodeDescribeLogDirsResponse,
  encodeDescribeLogDirsRequest,
} from '../kafka-wire/describe-log-dirs.ts'
import { errorCodes, errorName } from '../kafka-wire/error-codes.ts'
import { type Catalog, topicNamed } from '../model/catalog.ts'
import type { Problem } from '../model/problem.ts'
import type { KnownNumbers } from '../model/snapshot.ts'
import { breather, turns } from '../runtime/breathe.ts'
import { describeError } from '../runtime/errors.ts'
import type { KafkaCluster } from './cluster.ts'
import { failureReason } from './failure-reason.ts'
import { lacksApi } from './lacks-api.ts'
import { type AskedTopic, planOf } from './leader-plan.ts'

/** Topics of an answer that are taken over in one go. */
const TOPICS_PER_STEP = 64

/**
 * Reads how many bytes the leader of each partition has on its disk, a row per partition of the catalog
 * (DescribeLogDirs, from Kafka 1.0; DESCRIBE on the cluster needed): one request a broker (more only past 100,000 rows). Brokers that do not have the request leave their rows
 * unknown without a problem.
 */
export async function readLogSizes(
  cluster: KafkaCluster,
  catalog: Catalog,
  signal: AbortSignal,
): Promise<{ readonly sizes: KnownNumbers; readonly problems: readonly Problem[] }> {
  const sizes: KnownNumbers = { value: new Float64Array(catalog.rows), known: new Uint8Array(catalog.rows) }
  const problems: Problem[] = []
  const ownTurn = turns()
  await Promise.all(
    [...(await planOf(catalog))].map(async ([broker, batches]) => {
      for (const batch of batches) {
        await ownTurn()
        const problem = await readBatch(broker, batch)
        if (problem !== undefined) problems.push(problem)
      }
    }),
  )
  return { sizes, problems }

  async function readBatch(broker: number, topics: readonly AskedTopic[]): Promise<Problem | undefined> {
    try {
      const { value, version } = await cluster.ask(
        broker,
        {
          api: apis.DescribeLogDirs,
          encode: (spoken) => encodeDescribeLogDirsRequest(spoken, { topics }),
          decode: decodeDescribeLogDirsResponse,
        },
        signal,
      )
      await ownTurn()
      await take(value)
      return refusal(broker, version, value)
    } catch (error) {
      if (signal.aborted) throw error
      if (lacksApi(cluster, broker, apis.DescribeLogDirs)) return undefined
      return problemOf(broker, failureReason(error), describeError(error))
    }
  }

  async function take(value: DescribeLogDirsResponse): Promise<void> {
    const breathe = breather()
    for (const { error, firstTopic, endTopic } of value.directories) {
      if (error !== errorCodes.NONE) continue
      for (let index = firstTopic; index < endTopic; index++) {
        if (index % TOPICS_PER_STEP === 0) await breathe()
        const topic = topicNamed(catalog, value.topics[index]!)
        if (topic === undefined) continue
        for (let row = value.topicFirst[index]!; row < value.topicFirst[index + 1]!; row++) {
          const partition = value.partition[row]!
          const isOther = partition < 0 || partition >= topic.partitions || value.future[row] !== 0
          if (isOther || value.size[row]! < 0) continue
          sizes.value[topic.firstRow + partition] = value.size[row]!
          sizes.known[topic.firstRow + partition] = 1
        }
      }
    }
  }
}

/** What an answer as a whole refuses. Before v3 whoever may not ask gets no directories, and no error. */
function refusal(broker: number, version: number, value: DescribeLogDirsResponse): Problem | undefined {
  const { error, directories } = value
  const isDenied = error === errorCodes.CLUSTER_AUTHORIZATION_FAILED || (version < 3 && directories.length === 0)
  if (isDenied) return problemOf(broker, 'unauthorized', 'DESCRIBE on the cluster is needed')
  if (error !== errorCodes.NONE) return problemOf(broker, 'read_failed', errorName(error))
  const failed = directories.find((directory) => directory.error !== errorCodes.NONE)
  return failed && problemOf(broker, 'read_failed', `directory "${failed.path}": ${errorName(failed.error)}`)
}

function problemOf(broker: number, reason: Problem['reason'], what: string): Problem {
  return { reason, broker: String(broker), message: `Log sizes from broker ${broker}: ${what}` }
}
