import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startZookeeper } from '../test/rigs/zookeeper.ts'
import type { HolderStep } from './registry-holder.ts'
import { report } from './report.ts'

/** The ZooKeeper registry with many registrations in one replica, and its restart within its sessions. */
export async function run(): Promise<boolean> {
  const kept: boolean[] = []
  for (const count of [50_000, 100_000]) kept.push(await measure(count))
  return kept.every(Boolean)
}

async function measure(count: number): Promise<boolean> {
  await using rig = await startZookeeper({ version: '3.9.5', heap: '768m' })
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-bench-registry-'))
  const children: ChildProcess[] = []
  const hold = async (order: 'put' | 'resume'): Promise<HolderStep> => {
    const file = fileURLToPath(new URL('./registry-holder.ts', import.meta.url))
    const child = fork(file, [order, rig.connect, folder, String(count)], { execArgv: ['--import', 'tsx'] })
    children.push(child)
    const step = await Promise.race([
      once(child, 'message').then(([message]: HolderStep[]) => message),
      once(child, 'exit').then(() => undefined),
    ])
    if (step === undefined) throw new Error(`Hold ${count} registrations: the process ended`)
    return step
  }
  const kill = async (): Promise<void> => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
  }
  try {
    const put = await hold('put')
    await kill()
    const again = await hold('resume')
    const missing = Math.max(...[put, again].flatMap(({ listed, members }) => [count - listed, count - members]))
    return report(
      `Registry in a real ZooKeeper 3.9.5: ${count} registrations in one replica, ${put.sessions} sessions`,
      [
        { what: 'registrations that are missing', measured: missing, unit: '', limit: 0.5 },
        { what: 'put, durable and in ZooKeeper', measured: (count * 1_000) / put.ms, unit: '/s' },
        { what: 'longest step while they are put', measured: put.longestBlockMs, unit: 'ms', limit: 50 },
        { what: 'SIGKILL and restart: the list is there after', measured: again.ms, unit: 'ms' },
        { what: 'every member is found in its session after', measured: again.settledMs, unit: 'ms' },
        { what: 'sessions that were lost', measured: again.expiries, unit: `of ${again.sessions}`, limit: 0.5 },
        { what: 'longest step after the restart', measured: again.longestBlockMs, unit: 'ms', limit: 50 },
        { what: 'peak RSS while they are put', measured: put.peakRssMb, unit: 'MB' },
        { what: 'peak RSS after the restart', measured: again.peakRssMb, unit: 'MB' },
      ],
    )
  } finally {
    await kill()
    // The server first: the end of the sessions is of no interest any more.
    await rig.stop()
    await rm(folder, { recursive: true })
  }
}
