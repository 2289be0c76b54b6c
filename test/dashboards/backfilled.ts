import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type PrometheusRig, promtoolBinary, startPrometheus } from '../rigs/prometheus.ts'
import { run } from '../rigs/run.ts'
import { pageOf, prometheusPageOf } from './world.ts'
import { HOUR } from './world-consumers.ts'

/** The end of the story, in Unix seconds: always the same, so that answers and pictures are. */
export const storyEnd = Date.parse('2026-11-24T12:00:00Z') / 1_000
const STEP = 60

/** A real Prometheus that has scraped two replicas and itself for six hours, until `storyEnd`. */
export function startBackfilled(): Promise<PrometheusRig> {
  return startPrometheus({
    config: 'global: { scrape_interval: 60s }',
    // Blocks of the past are not too old, whatever the date is.
    flags: ['--storage.tsdb.retention.time=100y'],
    fill: async (folder) => {
      await mkdir(folder, { recursive: true })
      const file = join(dirname(folder), 'story.om')
      await pipeline(Readable.from(story()), createWriteStream(file))
      const made = await run(await promtoolBinary(), ['tsdb', 'create-blocks-from', 'openmetrics', file, folder])
      if (made.code !== 0) throw new Error(`Make blocks of "${file}": ${made.stderr}`)
      await rm(file)
    },
  })
}

function* story(): Generator<string> {
  for (let left = 6 * HOUR; left >= 0; left -= STEP) {
    const seconds = storyEnd - left
    const sample = (line: string, scraped: string) => `${labelled(line, scraped)} ${seconds}\n`
    for (let replica = 0; replica < 2; replica++) {
      const scraped = `job="lagkeeper",instance="lagkeeper-${replica}:10390"`
      yield pageOf(seconds, left, replica)
        .map((line) => sample(line, scraped))
        .join('')
    }
    for (const line of prometheusPageOf(left)) yield sample(line, 'job="prometheus",instance="prometheus:9090"')
  }
  yield '# EOF\n'
}

function labelled(line: string, more: string): string {
  const [, name = '', labels, value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  return `${name}{${labels === undefined ? more : `${labels},${more}`}} ${value}`
}
