import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadShape } from '../src/simulator/load.ts'
import type { ClusterCommand, ClusterMessage } from './simulated-cluster.ts'

/** A simulated cluster in a process of its own, so that its work does not count as ours. */
export interface ForkedCluster extends AsyncDisposable {
  readonly bootstrap: readonly string[]
  readonly buildMs: number
  ask(command: ClusterCommand): Promise<ClusterMessage>
}

export async function forkCluster(shape: LoadShape): Promise<ForkedCluster> {
  const file = fileURLToPath(new URL('./simulated-cluster.ts', import.meta.url))
  const child = fork(file, [JSON.stringify(shape)], { execArgv: ['--import', 'tsx'] })
  const exited = once(child, 'exit')
  const next = async (): Promise<ClusterMessage> => {
    const ended = exited.then(([code]) => {
      throw new Error(`Ask the simulated cluster: its process ended with code ${String(code)}`)
    })
    const [message]: ClusterMessage[] = await Promise.race([once(child, 'message'), ended])
    if (message === undefined) throw new Error('Ask the simulated cluster: an empty message, expected an answer')
    return message
  }
  const { bootstrap, ms } = await next()
  return {
    bootstrap,
    buildMs: ms,
    async ask(command) {
      child.send(command)
      return await next()
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
