import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { freePorts, withFreshPorts } from '../rigs/ports.ts'
import { listensOn, startProcess } from '../rigs/process.ts'
import { amtoolBinary } from '../rigs/prometheus.ts'

type Labels = Readonly<Record<string, string>>

export interface AlertmanagerRig extends AsyncDisposable {
  /** Hands over alerts, as Prometheus does. */
  post(alerts: readonly Labels[]): Promise<void>
  /** The alerts that it keeps to itself at this moment. */
  muted(): Promise<readonly Labels[]>
}

const Alerts = z.array(z.object({ labels: z.record(z.string(), z.string()), status: z.object({ state: z.string() }) }))

/** Debian reads the default templates from here and nowhere else, where upstream has them in the program. */
const installed = '/usr/share/prometheus/alertmanager'

/** Starts Debian 12's Alertmanager on loopback with the given configuration file. */
export async function startAlertmanager(configFile: string): Promise<AlertmanagerRig> {
  const dir = await mkdtemp('/tmp/lagkeeper-am-')
  const command = await relocated(dir)
  const alertmanager = await withFreshPorts(async () => {
    const [port = 0] = await freePorts(1)
    const started = await startProcess({
      name: 'Alertmanager',
      command,
      args: [
        `--config.file=${configFile}`,
        `--storage.path=${join(dir, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
      ],
      logFile: join(dir, 'alertmanager.log'),
      ready: [listensOn(port)],
    })
    return { started, url: `http://127.0.0.1:${port}/api/v2/alerts` }
  })
  return {
    post: async (alerts) => {
      const response = await fetch(alertmanager.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(alerts.map((labels) => ({ labels }))),
      })
      if (!response.ok) throw new Error(`Post alerts: ${response.status} ${await response.text()}`)
    },
    muted: async () => {
      const alerts = Alerts.parse(await (await fetch(alertmanager.url)).json())
      return alerts.filter(({ status }) => status.state === 'suppressed').map(({ labels }) => labels)
    },
    [Symbol.asyncDispose]: async () => {
      await alertmanager.started.kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A copy of the program that looks for its templates in `dir`: it is unpacked here, not installed. */
async function relocated(dir: string): Promise<string> {
  const bin = dirname(await amtoolBinary())
  const program = await readFile(join(bin, 'prometheus-alertmanager'))
  const at = Buffer.from(dir.padEnd(installed.length, '/'))
  if (at.length !== installed.length) throw new Error(`Relocate Alertmanager: "${dir}" is longer than "${installed}"`)
  for (let index = program.indexOf(installed); index >= 0; index = program.indexOf(installed, index + 1))
    at.copy(program, index)
  for (const template of ['default.tmpl', 'email.tmpl'])
    await copyFile(join(bin, '../..', installed, template), join(dir, template))
  const copy = join(dir, 'alertmanager')
  await writeFile(copy, program, { mode: 0o755 })
  return copy
}
