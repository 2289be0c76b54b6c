import { connect, createServer } from 'node:net'

// Below the range that Linux gives to outgoing connections (32768 and up): a port from there may be taken by any
// client between its choice and the moment a JVM binds it, or while a server is down between stop and restart.
const lowest = 12_000
const highest = 32_000

/** `count` distinct ports of 127.0.0.1 that nothing listens on at this moment. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>()
  for (let tries = 0; ports.size < count; tries++) {
    if (tries > 1_000) throw new Error(`Find ${count} free ports: only ${ports.size} after ${tries} tries`)
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (!ports.has(port) && (await canListen(port))) ports.add(port)
  }
  return [...ports]
}

/** Whether something accepts connections on this port of 127.0.0.1. */
export function portAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const finish = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.setTimeout(2_000, () => finish(false))
    socket.once('connect', () => finish(true))
    socket.once('error', () => finish(false))
  })
}

/** Runs `start`, and once more when another process took one of its ports first; it must choose new ports each time. */
export async function withFreshPorts<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    if (!/Address already in use|BindException|bind: address/i.test(String(error))) throw error
    return start()
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
