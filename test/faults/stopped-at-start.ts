import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { daemonArgs } from './build.ts'

/** Starts a daemon, sends SIGTERM as soon as its log says something, and tells the exit code. */
export async function startupStopped(says: RegExp, yaml: string): Promise<number | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-stopped-'))
  const file = join(folder, 'lagkeeper.yaml')
  await writeFile(file, `web: { listen_address: "127.0.0.1:0" }\nstorage: { path: "${folder}/data" }\n${yaml}\n`)
  const child = spawn(process.execPath, [...(await daemonArgs()), `--config.file=${file}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  let said = ''
  let isStopped = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (!isStopped && says.test(said)) isStopped = child.kill('SIGTERM')
  })
  const [code] = await once(child, 'exit')
  clearTimeout(timer)
  await rm(folder, { recursive: true, force: true })
  if (!isStopped) throw new Error(`Stop a daemon at its start: it never said ${says}\n${said}`)
  return typeof code === 'number' ? code : undefined
}
