import { bigCluster, type LoadShape } from '../src/simulator/load.ts'
import type { RequestCount } from '../src/simulator/request-log.ts'

/** What the parent may ask; each is answered by one message. */
export type ClusterCommand = 'counts' | 'reset' | 'advance' | 'stop'

/** What the child says: first that it is there, then one message a command. */
export interface ClusterMessage {
  readonly bootstrap: readonly string[]
  readonly counts: readonly RequestCount[]
  readonly rssMiB: number
  /** How long the command took; the first time, how long it took to build. */
  readonly ms: number
}

/**
 * The child process of `forkCluster`: builds a cluster of the shape in its first argument, says where it is over IPC,
 * obeys, and ends with its parent.
 */
async function main(shape: LoadShape): Promise<void> {
  const since = performance.now()
  const cluster = await bigCluster(shape)
  const stop = new AbortController()
  const say = (started: number) => {
    const { bootstrap, requests } = cluster
    const rssMiB = Math.round(process.memoryUsage.rss() / 2 ** 20)
    const message: ClusterMessage = { bootstrap, counts: requests.counts(), rssMiB, ms: performance.now() - started }
    process.send?.(message)
  }
  process.on('disconnect', () => stop.abort())
  process.on('message', (command: ClusterCommand) => {
    const started = performance.now()
    if (command === 'reset') cluster.requests.reset()
    if (command === 'stop') stop.abort()
    if (command === 'advance') void cluster.advance().then(() => say(started))
    else say(started)
  })
  say(since)
  await cluster.run(stop.signal)
  if (process.connected) process.disconnect()
}

await main(JSON.parse(process.argv[2] ?? '{}'))
