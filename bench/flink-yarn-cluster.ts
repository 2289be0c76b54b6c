import { setTimeout as sleep } from 'node:timers/promises'
import { bigYarn, type FlinkLoadShape } from '../src/simulator/flink-load.ts'
import { bigCluster, type LoadShape } from '../src/simulator/load.ts'

/** What the child says once everything can be asked. */
export interface FlinkYarnMessage {
  readonly bootstrap: readonly string[]
  readonly resourceManagers: readonly string[]
  readonly reporterPorts: string
}

/** The child process of `bench/flink-yarn.ts`: a Kafka cluster and a YARN full of Flink jobs that read it, moving each second. */
async function main(kafka: LoadShape, flink: FlinkLoadShape): Promise<void> {
  const cluster = await bigCluster(kafka)
  const yarn = await bigYarn(cluster.state, flink)
  const stop = new AbortController()
  process.on('disconnect', () => stop.abort())
  const message: FlinkYarnMessage = {
    bootstrap: cluster.bootstrap,
    resourceManagers: yarn.resourceManagers,
    reporterPorts: yarn.reporterPorts.join(','),
  }
  process.send?.(message)
  const running = cluster.run(stop.signal)
  while (!stop.signal.aborted) {
    await yarn.tick()
    await sleep(1_000, undefined, { signal: stop.signal }).catch(() => undefined)
  }
  await yarn.close()
  await running
}

const [kafka = '{}', flink = '{}'] = process.argv.slice(2)
await main(JSON.parse(kafka), JSON.parse(flink))
