import { runDaemon } from '../../src/app/daemon.ts'
import { type Config, configSchema } from '../../src/app/schema.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'

/** The whole daemon in this process, on the clock of a scenario. */
export interface CompressedDaemon {
  /** What a scrape of `/metrics` gives. */
  scrape(): Promise<string>
  stop(): Promise<void>
}

export interface CompressedDaemonOptions {
  readonly bootstrap: readonly string[]
  readonly objectives: readonly unknown[]
  /** Survives from one daemon to the next. */
  readonly storage: string
  readonly zookeeper?: string
  readonly clock: Clock
}

export async function startCompressedDaemon(options: CompressedDaemonOptions): Promise<CompressedDaemon> {
  const stopping = new AbortController()
  const config: Config = configSchema.parse({
    web: { listen_address: '127.0.0.1:0' },
    interval: '15s',
    kafka: [{ name: 'main', bootstrap: options.bootstrap }],
    storage: { path: options.storage },
    exposition: { compat: ['kafka_exporter'] },
    objectives: options.objectives,
    ...(options.zookeeper === undefined ? {} : { zookeeper: { connect: options.zookeeper } }),
  })
  let done: Promise<void> = Promise.resolve()
  const port = await new Promise<number>((resolve, reject) => {
    done = runDaemon(
      {
        clock: options.clock,
        logger: silentLogger,
        version: 'scenario',
        read: () => ({ config, demo: false }),
        onListening: (address) => resolve(address.port),
      },
      stopping.signal,
    )
    done.catch(reject)
  })
  return {
    scrape: async () => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`)
      if (!response.ok) throw new Error(`Scrape the daemon: ${response.status} ${await response.text()}`)
      return response.text()
    },
    stop: async () => {
      stopping.abort()
      await done
    },
  }
}
