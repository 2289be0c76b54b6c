import { connect, createServer, type Socket } from 'node:net'

export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Ends every connection; new ones are taken. */
  cut(): void
  /** Passes nothing on and takes connections all the same, as a cable that was pulled. */
  block(): void
  unblock(): void
  /** Refuses new connections and ends the old ones. */
  close(): void
  open(): void
  readonly accepted: () => number
  stop(): Promise<void>
}

/** Stands between a client and a server on loopback, to break what is between them. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let isBlocked = false
  let isClosed = false
  let accepted = 0

  const server = createServer((client) => {
    if (isClosed) {
      client.destroy()
      return
    }
    accepted++
    const upstream = connect({ host: '127.0.0.1', port: targetPort })
    const pair = [client, upstream] as const
    pairs.add(pair)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (chunk) => to.write(chunk))
      from.on('error', () => undefined)
      from.on('close', () => {
        to.destroy()
        pairs.delete(pair)
      })
      if (isBlocked) from.pause()
    }
  })

  function cut(): void {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }

  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })

  const stop = async (): Promise<void> => {
    cut()
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
  }

  return {
    port,
    cut,
    block: () => {
      isBlocked = true
      for (const pair of pairs) for (const socket of pair) socket.pause()
    },
    unblock: () => {
      isBlocked = false
      for (const pair of pairs) for (const socket of pair) socket.resume()
    },
    close: () => {
      isClosed = true
      cut()
    },
    open: () => {
      isClosed = false
    },
    accepted: () => accepted,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
