import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from './ports.ts'
import { type RigProcess, startProcess } from './process.ts'

/** Entry of the built daemon. */
export const daemonMain = join(import.meta.dirname, '../../dist/main.js')

export interface DaemonOptions {
  /** Its configuration and its log go here, named after it. */
  readonly folder: string
  readonly name?: string
  /** Lines of its configuration besides the address to listen on. */
  readonly config: string
  readonly args?: readonly string[]
  /** Arguments of Node that start it; those of `npm run build` when absent. */
  readonly program?: readonly string[]
  /** Put in front of the command, such as `unshare`. */
  readonly prefix?: readonly string[]
}

export interface DaemonRig {
  readonly process: RigProcess
  readonly url: string
}

/** Starts the built daemon (`npm run build`), as users run it, on a free port of loopback, and waits until it answers. */
export async function startDaemon({
  folder,
  name = 'lagkeeper',
  config,
  args = [],
  program = [daemonMain],
  prefix = [],
}: DaemonOptions): Promise<DaemonRig> {
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const file = join(folder, `${name}.yaml`)
  await writeFile(file, `web: { listen_address: "127.0.0.1:${port}" }\n${config}\n`)
  const [command = globalThis.process.execPath, ...before] = [...prefix, globalThis.process.execPath]
  const process = await startProcess({
    name,
    command,
    args: [...before, ...program, `--config.file=${file}`, ...args],
    logFile: join(folder, `${name}.log`),
    ready: [async () => (await fetch(`${url}/-/healthy`).catch(() => undefined))?.ok === true],
  })
  return { process, url }
}
