import { badParameter } from './query.ts'

/** The row after which the next page of a listing begins: a place in the order of names, whatever has come or gone. */
export interface RowCursor {
  readonly kafkaCluster: string
  readonly consumer: string
  readonly topic: string
  readonly partition: number
}

/** The cursor as text that callers hand back and need not understand. */
export function writeCursor({ kafkaCluster, consumer, topic, partition }: RowCursor): string {
  return Buffer.from(JSON.stringify([kafkaCluster, consumer, topic, partition])).toString('base64url')
}

/** @throws Refusal 400 when the text is not a cursor. */
export function readCursor(text: string): RowCursor {
  const fields = parse(Buffer.from(text, 'base64url').toString())
  const [kafkaCluster, consumer, topic, partition] = Array.isArray(fields) ? fields : []
  if (
    typeof kafkaCluster !== 'string' ||
    typeof consumer !== 'string' ||
    typeof topic !== 'string' ||
    typeof partition !== 'number'
  )
    throw badParameter('after', text, 'the value of "next" of an earlier answer')
  return { kafkaCluster, consumer, topic, partition }
}

/** Where a block of rows lies: before the cursor, after it, or around it. */
export function comparePlace(kafkaCluster: string, consumer: string, topic: string, cursor: RowCursor): number {
  return (
    compare(kafkaCluster, cursor.kafkaCluster) || compare(consumer, cursor.consumer) || compare(topic, cursor.topic)
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
