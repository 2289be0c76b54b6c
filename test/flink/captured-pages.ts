import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { FlinkPage } from '../../src/flink/flink-page.ts'
import { createPageParser } from '../../src/flink/parse-page.ts'

const folder = new URL('../fixtures/flink-pages/', import.meta.url)

export const versions = ['1.11.4', '1.12.5', '1.13.6', '1.14.6', '1.16.3', '1.18.1', '1.20.5', '2.2.1'] as const
export const moments = readdirSync(new URL('1.20.5/', folder)).sort()

/** What Kafka's own tool said just before or just after the pages were read: by `topic-partition`. */
export interface Told {
  readonly end_offsets: Readonly<Record<string, number>>
  readonly groups: Readonly<Record<string, Readonly<Record<string, number | string>>>>
}

export function truthOf(version: string, moment: string): { readonly before: Told; readonly after: Told } {
  return JSON.parse(readFileSync(new URL(`${version}/${moment}/truth.json`, folder), 'utf8'))
}

/** A page as a reporter served it; those whose name does not end in `-full` are without most families of others. */
export function captured(path: string): Buffer {
  return gunzipSync(readFileSync(new URL(`${path}.prom.gz`, folder)))
}

/** Chunks of the sizes that a socket gives, unless told otherwise. */
export function parsePage(bytes: Buffer, chunkBytes = 65_536): FlinkPage {
  const parser = createPageParser((text) => text)
  for (let at = 0; at < bytes.length; at += chunkBytes) parser.push(bytes.subarray(at, at + chunkBytes))
  return parser.end()
}

export function capturedPages(version: string, moment: string): readonly FlinkPage[] {
  return [1, 2].map((index) => parsePage(captured(`${version}/${moment}/taskmanager-${index}`)))
}
