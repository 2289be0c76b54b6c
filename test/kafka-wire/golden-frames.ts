import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GoldenFrame, RecordedFacts } from './scenario.ts'

/** One recorded exchange, its name, and what is known of the broker that answered. */
export interface Golden {
  /** Such as `4.3.1 OffsetFetch-v8`. */
  readonly name: string
  readonly facts: RecordedFacts
  readonly api: string
  readonly version: number
  /** Whole frames without their length. */
  readonly request: Buffer
  readonly response: Buffer
}

const folder = fileURLToPath(new URL('../fixtures/kafka-wire/', import.meta.url))

/** All frames that `record-golden.ts` has recorded. */
export function goldenFrames(): readonly Golden[] {
  return readdirSync(folder).flatMap((broker) => {
    const facts: RecordedFacts = readJson(join(folder, broker, 'facts.json'))
    const files = readdirSync(join(folder, broker)).filter((file) => file !== 'facts.json')
    return files.map((file) => {
      const { api, version, request, response }: GoldenFrame = readJson(join(folder, broker, file))
      return {
        name: `${broker} ${file.replace('.json', '')}`,
        facts,
        api,
        version,
        request: Buffer.from(request, 'hex'),
        response: Buffer.from(response, 'hex'),
      }
    })
  })
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8'))
}
