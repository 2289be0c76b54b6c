import { copyFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { YarnRig } from './yarn.ts'

export interface ApplicationPlan {
  readonly name: string
  /** Default `Apache Flink`. */
  readonly type?: string
  /** Default `default`. */
  readonly queue?: string
  readonly tags?: readonly string[]
  /** What its master says about itself when it registers; absent: there is no master, and it never comes to RUNNING. */
  readonly master?: { readonly host: string; readonly port: number; readonly trackingUrl: string }
  /** Default 2. */
  readonly attempts?: number
}

/** An application on a real YARN that does nothing. */
export interface RigApplication {
  readonly id: string
  /** Its master unregisters: FINISHED, SUCCEEDED. */
  finish(): Promise<void>
  /** Its master dies: the next attempt, or FAILED. */
  die(): Promise<void>
  /** As an administrator does. */
  kill(): Promise<void>
}

const source = fileURLToPath(new URL('java/YarnMaster.java', import.meta.url))
/** Runs Java from source, which the rig's Java 11 cannot: it has no compiler. */
const java = 'java'

/** Submits over REST. The master is a small JVM in a container. */
export async function submitApplication(rig: YarnRig, plan: ApplicationPlan): Promise<RigApplication> {
  const { name, type = 'Apache Flink', queue = 'default', tags = [], master, attempts = 2 } = plan
  const created: unknown = await (await send(rig, 'POST', '/new-application')).json()
  const id = /application_\d+_\d+/.exec(JSON.stringify(created))?.[0]
  if (id === undefined) throw new Error(`Submit "${name}": no id in ${JSON.stringify(created)}`)
  const order = join(rig.dir, `${id}.order`)
  const program = join(rig.dir, 'YarnMaster.java')
  await copyFile(source, program)
  const classPath = `${rig.confDir}:${join(rig.serverJars, '*')}`
  const command =
    master === undefined
      ? 'sleep 600'
      : `${java} -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '${classPath}' ${program} ${master.host} ${master.port} ${master.trackingUrl} ${order} 1>&2`
  const answer = await send(rig, 'POST', '', {
    'application-id': id,
    'application-name': name,
    'application-type': type,
    'application-tags': { tag: tags },
    queue,
    'max-app-attempts': attempts,
    'am-container-spec': { commands: { command } },
    resource: { memory: 256, vCores: 1 },
  })
  if (answer.status !== 202) throw new Error(`Submit "${name}": HTTP ${answer.status} ${await answer.text()}`)
  return {
    id,
    finish: () => give(order, 'finish'),
    die: () => give(order, 'die'),
    kill: () => killApplication(rig, id),
  }
}

/** As an administrator does. */
export async function killApplication(rig: YarnRig, id: string): Promise<void> {
  const killed = await send(rig, 'PUT', `/${id}/state`, { state: 'KILLED' })
  if (!killed.ok) throw new Error(`Kill "${id}": HTTP ${killed.status} ${await killed.text()}`)
}

/** In one step, so that nobody reads half of it. */
async function give(file: string, order: string): Promise<void> {
  await writeFile(`${file}.new`, order)
  await rename(`${file}.new`, file)
}

async function send(rig: YarnRig, method: 'POST' | 'PUT', path: string, body?: unknown): Promise<Response> {
  const url = rig.resourceManagers[(await rig.active()) ?? 0]
  return fetch(`${url}/ws/v1/cluster/apps${path}?user.name=rig`, {
    method,
    redirect: 'manual',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  })
}
