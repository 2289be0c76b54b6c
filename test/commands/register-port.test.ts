import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { listeningPort, parseListening } from '../../src/commands/register-port.ts'
import { freePorts } from '../rigs/ports.ts'

const started: { kill(): unknown }[] = []
afterEach(() => {
  for (const one of started.splice(0)) one.kill()
})

/** A process that listens, by itself or through a child of its own, and says when it does. */
async function listener(port: number, isBehindShell = false) {
  const script = `require("net").createServer().listen(${port}, "127.0.0.1", () => console.log("listens"))`
  const node = [process.execPath, '-e', script]
  const [command = '', ...args] = isBehindShell ? ['sh', '-c', `"$@" & trap 'kill $!' TERM; wait`, 'sh', ...node] : node
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  started.push(child)
  await once(child.stdout, 'data')
  return child.pid ?? 0
}

describe('listeningPort()', () => {
  it.each([
    ['the process', false],
    ['one that it has started', true],
  ])('finds the port of %s', async (_, isBehindShell) => {
    const [port = 0] = await freePorts(1)
    const pid = await listener(port, isBehindShell)

    expect(await listeningPort(pid, { from: port, to: port })).toBe(port)
    expect(await listeningPort(pid, { from: 1, to: 65_535 })).toBe(port)
  })

  it('does not take a port of another process for its own', async () => {
    const [port = 0, foreign = 0] = await freePorts(2)
    const pid = await listener(port)
    const server = createServer().listen(foreign, '127.0.0.1')
    await once(server, 'listening')

    expect(await listeningPort(pid, { from: foreign, to: foreign })).toBeUndefined()
    expect(await listeningPort(process.pid, { from: foreign, to: foreign })).toBe(foreign)
    server.close()
  })

  it('finds none of a process that is gone', async () => {
    expect(await listeningPort(2 ** 22 + 1, { from: 1, to: 65_535 })).toBeUndefined()
  })
})

/** As printed by Linux 6.1 for a server on 0.0.0.0:10390, a connection of it, and one on [::1]:9250. */
describe('parseListening()', () => {
  const head =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n'

  it('reads the listening sockets of IPv4 and leaves connections out', () => {
    const table = `${head}   0: 00000000:2896 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 52119 1 0000000000000000 100 0 0 10 0
   1: 0100007F:2896 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000  1000        0 52120 1 0000000000000000 20 4 30 10 -1
`
    expect(parseListening(table)).toEqual([{ port: 10_390, inode: '52119' }])
  })

  it('reads those of IPv6', () => {
    const table = `${head}   0: 00000000000000000000000001000000:2422 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0000000000000000 100 0 0 10 0\n`

    expect(parseListening(table)).toEqual([{ port: 9250, inode: '7' }])
  })

  it('reads nothing out of nothing', () => {
    expect(parseListening('')).toEqual([])
  })
})
