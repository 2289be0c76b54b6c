import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A container with the JVM in it. */
export interface FlinkContainer {
  /** `container_…`, which for a TaskManager is its id in Flink too. */
  readonly id: string
  readonly role: 'jobManager' | 'taskManager'
  readonly pid: number
  /** By the line in its log. */
  readonly reporterPort: number | undefined
}

/** Containers whose JVM runs, by the folder of their logs, which its command line names. */
export async function containersIn(logFolder: string): Promise<readonly FlinkContainer[]> {
  const ids = (await readdir(logFolder).catch(() => [])).toSorted()
  const commands = await commandLines()
  const found: FlinkContainer[] = []
  for (const id of ids)
    for (const role of ['jobManager', 'taskManager'] as const) {
      const file = join(logFolder, id, `${role.toLowerCase()}.log`)
      const pid = commands.find(({ args }) => args[0]?.endsWith('java') && args.includes(`-Dlog.file=${file}`))?.pid
      if (pid === undefined) continue
      const said = /Started PrometheusReporter HTTP server on port (\d+)/.exec(
        await readFile(file, 'utf8').catch(() => ''),
      )
      found.push({ id, role, pid, reporterPort: said === null ? undefined : Number(said[1]) })
    }
  return found
}

async function commandLines(): Promise<readonly { readonly pid: number; readonly args: readonly string[] }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return { pid: Number(pid), args: text.split('\0') }
    }),
  )
}
