import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it, vi } from 'vitest'
import { recipeFences } from '../docs/fences.ts'
import { jsonRequest } from '../http/registration-world.ts'
import { startDaemon } from '../rigs/daemon.ts'
import { signalGroup } from '../rigs/guard.ts'
import { freePorts } from '../rigs/ports.ts'
import type { RigProcess } from '../rigs/process.ts'

const script = join(import.meta.dirname, '../../docs/recipes/register.sh')

const eventually = { timeout: 20_000, interval: 100 }

let folder: string
let url: string
let daemon: RigProcess

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-recipes-'))
  const config = `storage: { path: "${folder}/data" }\ndemo: false`
  ;({ process: daemon, url } = await startDaemon({ folder, config }))
  // The list is shown once nobody has come for three seconds, which would take long with everybody coming at a time.
  const first = { address: '127.0.0.1:16', incarnation: '1', zone: 'first', lease_seconds: 600 }
  const put = () => fetch(`${url}/v1/registrations/others/orders/tm/first`, jsonRequest('PUT', first))
  await vi.waitFor(async () => {
    if (!(await put()).ok || !(await fetch(`${url}/sd/v1/targets`)).ok) throw new Error('The list is not shown yet')
  }, eventually)
})
afterAll(async () => {
  await daemon?.stop()
  await rm(folder, { recursive: true, force: true })
})

const running: ChildProcess[] = []
afterAll(() => {
  for (const { pid } of running) if (pid !== undefined) signalGroup(pid, 'SIGKILL')
})

interface Recipe {
  readonly child: ChildProcess
  readonly path: string
  readonly err: () => string
  readonly ended: Promise<readonly unknown[]>
}

/** The script around a command, with a lease that asks for a sign of life every second. */
function start(shell: string, instance: string, command: readonly string[], more: NodeJS.ProcessEnv = {}): Recipe {
  const env = {
    ...process.env,
    LAGKEEPER_URL: url,
    LAGKEEPER_ID: `payments/orders/tm/${instance}`,
    LAGKEEPER_HOST: '127.0.0.1',
    LAGKEEPER_LABELS: 'team=a tier=1=2',
    LAGKEEPER_FIELDS: `zone=${instance} kind=flink-tm`,
    LAGKEEPER_MORE: '"lease_seconds":5',
    ...more,
  }
  const child = spawn(shell, [script, ...command], { env, stdio: ['ignore', 'inherit', 'pipe'], detached: true })
  running.push(child)
  let err = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk
  })
  return { child, path: `/v1/registrations/payments/orders/tm/${instance}`, err: () => err, ended: once(child, 'exit') }
}

async function registration(path: string): Promise<Record<string, unknown> | undefined> {
  const answer = await fetch(`${url}${path}`)
  const { registration: found } = JSON.parse(await answer.text())
  return answer.ok ? found : undefined
}

const serve = (port: number, more = '') => [
  process.execPath,
  '-e',
  `require("net").createServer().listen(${port}, "127.0.0.1");${more}`,
]

// Several at a time: nothing here takes anything but waiting, and each has a zone, and so addresses, of its own.
describe.concurrent.each(['dash', 'bash'])('register.sh in %s', (shell) => {
  it('registers the port that its command took, keeps it, and withdraws it at the end', async ({ expect }) => {
    const [from = 0, taken = 0] = (await freePorts(2)).toSorted((a, b) => a - b)
    const { child, path, err, ended } = start(shell, `${shell}-found`, serve(taken), {
      LAGKEEPER_PORTS: `${from}-${taken}`,
    })
    await expect
      .poll(() => registration(path), eventually)
      .toMatchObject({ address: `127.0.0.1:${taken}`, labels: { team: 'a', tier: '1=2' }, kind: 'flink-tm' })
    await expect
      .poll(async () => (await fetch(`${url}/sd/v1/targets`)).text(), eventually)
      .toContain(`127.0.0.1:${taken}`)

    // Forgotten: the next sign of life is answered 404.
    await fetch(`${url}${path}`, { method: 'DELETE' })
    await expect.poll(() => err().match(/registered as/g), eventually).toHaveLength(2)
    expect(await registration(path)).toBeDefined()

    child.kill('SIGTERM')
    expect(await ended).toEqual([143, null])
    expect(await registration(path)).toBeUndefined()
  })

  it('finds a port below a script, and passes the exit code on', async ({ expect }) => {
    const [port = 0] = await freePorts(1)
    const command = ['sh', '-c', '"$@"; exit 7', 'sh', ...serve(port, 'setTimeout(() => process.exit(1), 4000)')]
    const { path, ended } = start(shell, `${shell}-below`, command, { LAGKEEPER_PORTS: String(port) })
    await expect.poll(() => registration(path), eventually).toMatchObject({ address: `127.0.0.1:${port}` })

    expect(await ended).toEqual([7, null])
    expect(await registration(path)).toBeUndefined()
  })

  it('needs no name in a container of YARN', async ({ expect }) => {
    const id = `container_e01_1700000000000_0001_01_000002_${shell}`
    const { ended } = start(shell, '', ['sleep', '3'], {
      LAGKEEPER_ID: '',
      LAGKEEPER_HOST: '',
      LAGKEEPER_APP: 'orders',
      LAGKEEPER_ROLE: 'taskmanager',
      LAGKEEPER_FIELDS: '',
      LAGKEEPER_LABELS: '',
      LAGKEEPER_MORE: '',
      // Without a zone of its own.
      LAGKEEPER_ADDRESS: `127.0.0.1:${shell === 'dash' ? 13 : 14}`,
      CONTAINER_ID: id,
    })
    const path = `/v1/registrations/yarn/orders/taskmanager/${id}`
    await expect.poll(() => registration(path), eventually).toMatchObject({ labels: {}, lease_seconds: 30 })
    await ended
    expect(await registration(path)).toBeUndefined()
  })

  it('stops when a newer life is registered, and lets its command go on', async ({ expect }) => {
    const address = '127.0.0.1:9'
    const { child, path, err, ended } = start(shell, `${shell}-old`, serve(0), {
      LAGKEEPER_ADDRESS: address,
      LAGKEEPER_INCARNATION: '1',
    })
    await expect.poll(() => registration(path), eventually).toBeDefined()
    await fetch(`${url}${path}`, jsonRequest('PUT', { address, incarnation: '2', zone: `${shell}-old` }))
    await expect.poll(err, eventually).toContain('giving up')

    expect(err()).toContain('superseded by \\"2\\"')
    expect(child.exitCode).toBeNull()
    child.kill('SIGTERM')
    await ended
    expect(await registration(path)).toMatchObject({ incarnation: '2' })
  })

  it('waits for an address that another namespace has', async ({ expect }) => {
    const [port = 0] = await freePorts(1)
    const page = createServer((_, response) => response.end('process_start_time_seconds 1\n')).listen(port, '127.0.0.1')
    const address = `127.0.0.1:${port}`
    const owner = `${url}/v1/registrations/others/orders/tm/${shell}`
    const claim = { address, incarnation: '1', zone: `${shell}-moved`, lease_seconds: 600 }
    expect((await fetch(owner, jsonRequest('PUT', claim))).status).toBe(200)
    const { path, err } = start(shell, `${shell}-moved`, serve(0), { LAGKEEPER_ADDRESS: address })
    await expect.poll(err, eventually).toMatch(/"others.*trying again/)
    await fetch(owner, { method: 'DELETE' })

    await expect.poll(() => registration(path), eventually).toBeDefined()
    page.close()
    page.closeAllConnections()
  })

  it('withdraws after its command even when it was killed itself', async ({ expect }) => {
    const command = serve(0, 'setTimeout(() => process.exit(0), 6000)')
    const { child, path } = start(shell, `${shell}-killed`, command, { LAGKEEPER_ADDRESS: '127.0.0.1:10' })
    await expect.poll(() => registration(path), eventually).toBeDefined()
    child.kill('SIGKILL')

    await expect.poll(() => registration(path), { timeout: 10_000, interval: 100 }).toBeUndefined()
  })

  it('holds nothing up when Lagkeeper is not there', async ({ expect }) => {
    const { ended, err } = start(shell, `${shell}-down`, ['sh', '-c', 'sleep 1; exit 3'], {
      LAGKEEPER_URL: 'http://127.0.0.1:1',
      LAGKEEPER_ADDRESS: '127.0.0.1:11',
    })

    expect(await ended).toEqual([3, null])
    expect(err()).toMatch(/000 curl: .*; trying again/)
    expect(await start(shell, 'none', ['/no/such/command']).ended).toEqual([127, null])
  })

  it('sends a token without showing it to the other users of the machine', async ({ expect }) => {
    const [port = 0] = await freePorts(1)
    const file = join(folder, 'token')
    await writeFile(file, 's3cret\n', { mode: 0o600 })
    const heads: string[] = []
    const server = createServer((request, response) => {
      heads.push(request.headers.authorization ?? '')
      response.end()
    }).listen(port, '127.0.0.1')
    await start(shell, 'token', ['sleep', '1'], {
      LAGKEEPER_URL: `http://127.0.0.1:${port}`,
      LAGKEEPER_ADDRESS: '127.0.0.1:12',
      LAGKEEPER_TOKEN_FILE: file,
    }).ended
    server.close()

    expect(new Set(heads)).toEqual(new Set(['Bearer s3cret']))
  })
})

it('keep_registered() of the page about Spark registers, comes back when forgotten, and withdraws', async ({
  expect,
}) => {
  const [loop = ''] = recipeFences().flatMap(({ language, text }) => (language === 'python' ? [text] : []))
  const use = `
import sys
stop = threading.Event()
fields = {"address": "127.0.0.1:15", "zone": "spark", "lease_seconds": 5}
keeper = threading.Thread(target=keep_registered, args=("${url}", "payments/orders/driver/orders", fields, stop))
keeper.start()
sys.stdin.read()
stop.set()
keeper.join()
`
  const child = spawn('python3', ['-c', loop + use], { stdio: ['pipe', 'inherit', 'inherit'], detached: true })
  running.push(child)
  const ended = once(child, 'exit')
  const path = '/v1/registrations/payments/orders/driver/orders'
  await expect.poll(() => registration(path), eventually).toMatchObject({ address: '127.0.0.1:15' })
  await fetch(`${url}${path}`, { method: 'DELETE' })
  await expect.poll(() => registration(path), eventually).toBeDefined()
  child.stdin?.end()

  expect(await ended).toEqual([0, null])
  expect(await registration(path)).toBeUndefined()
})
