import { createServer } from 'node:net'
import { freePorts } from './ports.ts'

/** `first-last`, as Flink writes ranges, of so many ports of which nothing listens on any, on no interface. */
export async function freePortRange(count: number): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const [first = 0] = await freePorts(1)
    const ports = Array.from({ length: count }, (_, index) => first + index)
    const free = await Promise.all(ports.map(canListenEverywhere))
    if (free.every(Boolean)) return `${first}-${first + count - 1}`
  }
  throw new Error(`Find ${count} free ports in a row: none after 100 tries`)
}

// Where the reporter listens: it has no setting for an address.
function canListenEverywhere(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)))
  })
}
