import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, runOrThrow } from '../rigs/run.ts'
import { eventually, injected } from './waiting.ts'
import type { WorldOptions } from './world.ts'

/**
 * A network of its own for the daemon, joined to this host by one cable. Every server has an address of its own on the
 * cable, and so has the daemon for each of them, so that packets can be lost for one server and one direction: an entry
 * of the neighbour table that names nobody's hardware address sends them into the void.
 */
export interface OwnNetwork {
  /** Address of this host for server `index`, where it can be reached from inside. */
  readonly hostIp: (index: number) => string
  readonly options: Pick<WorldOptions, 'prefix' | 'reach'>
  /** What the daemon sends to server `index` is lost, and what comes back, or only the latter. */
  blackhole(index: number, which: 'both ways' | 'answers'): Promise<void>
  heal(): Promise<void>
  close(): Promise<void>
}

const servers = [0, 1, 2]
const program = 'ip'
const nobody = '02:00:00:00:de:ad'

export async function ownNetwork(ports: readonly number[]): Promise<OwnNetwork> {
  const tag = `lk${process.pid % 100_000}`
  const [outside, inside] = [`${tag}h`, `${tag}n`]
  const net = `10.211.${process.pid % 256}`
  const hostIp = (index: number): string => `${net}.${1 + index}`
  const ownIp = (index: number): string => `${net}.${11 + index}`
  const ip = (...args: readonly string[]) => runOrThrow(program, args)
  const within = (...args: readonly string[]) => runOrThrow(program, ['-n', tag, ...args])
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-network-'))

  await ip('netns', 'add', tag)
  await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', tag)
  await within('link', 'set', 'lo', 'up')
  await within('link', 'set', inside, 'up')
  await ip('link', 'set', outside, 'up')
  for (const index of servers) {
    await ip('address', 'add', `${hostIp(index)}/32`, 'dev', outside)
    await within('address', 'add', `${ownIp(index)}/32`, 'dev', inside)
  }
  for (const index of servers) {
    await ip('route', 'add', `${ownIp(index)}/32`, 'dev', outside, 'src', hostIp(index))
    await within('route', 'add', `${hostIp(index)}/32`, 'dev', inside, 'src', ownIp(index))
  }

  async function passes(index: number): Promise<boolean> {
    const script = `exec 3<>/dev/tcp/${hostIp(index)}/${ports[index]}`
    const { code } = await run(program, ['netns', 'exec', tag, 'timeout', '1', 'bash', '-c', script])
    return code === 0
  }

  async function heal(): Promise<void> {
    for (const index of servers) {
      await run(program, ['neigh', 'del', ownIp(index), 'dev', outside])
      await run(program, ['-n', tag, 'neigh', 'del', hostIp(index), 'dev', inside])
    }
    await eventually('the network to be whole', 10_000, async () => {
      for (const index of servers) if (!(await passes(index))) return false
      return true
    })
  }

  return {
    hostIp,
    options: {
      prefix: ['ip', 'netns', 'exec', tag],
      reach: (port) => relayInto(tag, port, join(folder, 'relay')),
    },
    blackhole: async (index, which) => {
      await ip('neigh', 'replace', ownIp(index), 'lladdr', nobody, 'dev', outside, 'nud', 'permanent')
      if (which === 'both ways')
        await within('neigh', 'replace', hostIp(index), 'lladdr', nobody, 'dev', inside, 'nud', 'permanent')
      injected(!(await passes(index)), 'packets still pass')
      for (const other of servers)
        if (other !== index) injected(await passes(other), `packets to server ${other} are lost too`)
    },
    heal,
    close: async () => {
      await run(program, ['netns', 'del', tag])
      await run(program, ['link', 'del', outside])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const relayScript = `
const { connect, createServer } = require('node:net')
const [, path, port] = process.argv
createServer((from) => {
  const to = connect(Number(port), '127.0.0.1')
  for (const [a, b] of [[from, to], [to, from]]) a.on('error', () => {}).on('close', () => b.destroy()).pipe(b)
}).listen(path, () => console.log('listening'))
`

/** Files are the same in every network: a socket in the file system leads to loopback inside. */
async function relayInto(
  namespace: string,
  port: number,
  path: string,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const child = spawn(program, ['netns', 'exec', namespace, process.execPath, '-e', relayScript, path, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const server = createServer((from) => {
    const to = connect(path)
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const)
      a.on('error', () => undefined)
        .on('close', () => b.destroy())
        .pipe(b)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const own = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${own}`,
    close: async () => {
      child.kill('SIGKILL')
      await new Promise((resolve) => server.close(resolve))
      await rm(path, { force: true })
    },
  }
}
