import { z } from 'zod'
import type { Consumer, ConsumerKind } from '../model/consumer.ts'
import type { Problem } from '../model/problem.ts'
import { type Reason, reasons } from '../model/reason.ts'
import { DecodeError, describeError } from '../runtime/errors.ts'
import type { RecordingHead } from './recorded-cycle.ts'

const kinds = ['classic', 'consumer', 'share', 'streams', 'zookeeper', 'flink'] as const satisfies ConsumerKind[]

const consumer = z.strictObject({
  name: z.string(),
  kind: z.enum(kinds),
  group: z.string().exactOptional(),
  state: z.string().exactOptional(),
  members: z.int().min(0).exactOptional(),
  partial: z.literal(true).exactOptional(),
  jobId: z.string().exactOptional(),
  applicationId: z.string().exactOptional(),
})

const problem = z.strictObject({
  reason: z.enum<readonly Reason[]>(reasons),
  message: z.string(),
  consumer: z.string().exactOptional(),
  topic: z.string().exactOptional(),
  broker: z.string().exactOptional(),
})

const head = z.strictObject({
  kafkaCluster: z.string(),
  intervalMs: z.int().min(1),
  startedAt: z.int().min(0),
  recordedBy: z.string(),
})

/** A consumer as a recording spells it. @throws DecodeError when it is none */
export function readConsumer(text: string): Consumer {
  return read('consumer', consumer, text)
}

/** @throws DecodeError when it is none */
export function readProblem(text: string): Problem {
  return read('problem', problem, text)
}

/** @throws DecodeError when it is none */
export function readHead(text: string): RecordingHead {
  return read('head', head, text)
}

function read<T>(what: string, schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll('\n', ' ') : describeError(cause)
    throw new DecodeError(`Read a ${what}: ${why}`)
  }
}
