import { Reader } from '../../src/kafka-wire/reader.ts'
import { Writer } from '../../src/kafka-wire/writer.ts'
import type { BrokerLink } from './broker-link.ts'

export interface Commit {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly metadata: string
}

const offsetCommit = 8

/**
 * Commits with metadata, as no member (OffsetCommitRequest.json): v2 for old brokers, v6, with leader epoch 0, from 2.1.
 * Tries until the coordinator is ready.
 */
export async function commitOffsets(link: BrokerLink, version: 2 | 6, commits: readonly Commit[]): Promise<void> {
  for (const commit of commits) {
    const deadline = Date.now() + 30_000
    for (;;) {
      const error = readError(version, await link.ask(commitRequest(version, commit)))
      if (error === 0) break
      if (Date.now() > deadline) throw new Error(`Commit for "${commit.group}": error ${error}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

function commitRequest(version: 2 | 6, commit: Commit): Buffer {
  const writer = new Writer()
  writer.int16(offsetCommit)
  writer.int16(version)
  writer.int32(0)
  writer.string('recorder')
  writer.string(commit.group)
  writer.int32(-1)
  writer.string('')
  if (version === 2) writer.int64(-1n)
  writer.count(1)
  writer.string(commit.topic)
  writer.count(1)
  writer.int32(commit.partition)
  writer.int64(BigInt(commit.offset))
  if (version === 6) writer.int32(0)
  writer.string(commit.metadata)
  return writer.finish()
}

function readError(version: 2 | 6, frame: Buffer): number {
  const reader = new Reader(frame, 'OffsetCommit response')
  reader.int32()
  if (version === 6) reader.int32()
  reader.count(1)
  reader.string()
  reader.count(1)
  reader.int32()
  return reader.int16()
}
