import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Gauge, Registry } from 'prom-client'
import { lagFamilies } from '../src/exposition/families.ts'
import { metricsRoutes } from '../src/http/metrics.ts'
import { createPage } from '../src/http/page.ts'
import { createHttpServer } from '../src/http/server.ts'
import type { Snapshot } from '../src/model/snapshot.ts'
import { silentLogger } from '../src/runtime/logger.ts'
import { syntheticSnapshot } from '../test/fakes/synthetic-snapshot.ts'

// The child process of bench/exposition.ts: serves one page, and tells over IPC how long its loop was ever held,
// what processor time it took and how much memory it ever had. Arguments: lagkeeper | prom-client, number of series.

const [kind, series] = process.argv.slice(2)
const family = lagFamilies.recordsLag
const snapshot = syntheticSnapshot({ consumers: Number(series) / 400, topicsPerConsumer: 20, partitions: 20 })
let longestBlockMs = 0
let cpuAtReset = process.cpuUsage()

function serveOurs(): void {
  let cycle = 0
  // Each request sees a new cycle, so that no page is served a second time.
  const next = (): Snapshot => ({ ...snapshot, cycle: ++cycle })
  const selfMetrics = async (): Promise<string> => ''
  const page = createPage({ selfMetrics, families: new Set([family.name]) })
  const clusters = { names: () => [snapshot.kafkaCluster], snapshots: () => [next()] }
  const routes = metricsRoutes({ clusters, page, selfMetrics })
  const server = createHttpServer({ host: '127.0.0.1', port: 0 }, () => routes, {
    logger: silentLogger,
    onListening: ({ port }) => tell({ port }),
  })
  void server.run(new AbortController().signal)
}

function serveTheirs(): void {
  const registry = new Registry()
  const gauge = new Gauge({
    name: family.name,
    help: family.help,
    labelNames: [...family.labels],
    registers: [registry],
  })
  for (const { batch, lag } of snapshot.parts) {
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      const consumer = batch.consumers[batch.blockConsumer[block]!]!.name
      const topic = batch.topics[batch.blockTopic[block]!]!.name
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++)
        gauge.set(
          { kafka_cluster: snapshot.kafkaCluster, consumer, topic, partition: batch.partition[row]! },
          lag[row]!,
        )
    }
  }
  const compress = promisify<string, { level: number }, Buffer>(gzip)
  const server: Server = createServer((_, response) => {
    void registry.metrics().then(async (text) => {
      response.writeHead(200, { 'Content-Type': registry.contentType, 'Content-Encoding': 'gzip' })
      response.end(await compress(text, { level: 1 }))
    })
  })
  server.listen(0, '127.0.0.1', () => tell({ port: portOf(server.address()) }))
}

function portOf(address: string | AddressInfo | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0
}

function tell(message: Readonly<Record<string, number>>): void {
  process.send?.(message)
}

function watchLoop(): void {
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    longestBlockMs = Math.max(longestBlockMs, now - last - 1)
    last = now
  }, 1)
}

process.on('message', (question) => {
  if (question === 'reset') {
    longestBlockMs = 0
    cpuAtReset = process.cpuUsage()
  }
  const { user, system } = process.cpuUsage(cpuAtReset)
  tell({ longestBlockMs, cpuMs: (user + system) / 1000, peakRssMb: process.resourceUsage().maxRSS / 1024 })
})
watchLoop()
if (kind === 'lagkeeper') serveOurs()
else serveTheirs()
