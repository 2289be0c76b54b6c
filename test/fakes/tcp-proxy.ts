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
  /** From now on every connection is answered with a reset, the present ones too. */
  reset(): void
  /** Requests go on, and nothing comes back. */
  swallowAnswers(): void
  /** Everything arrives, in order and late. */
  delay(ms: number): void
  /** Says something to every client that the server did not say. */
  say(bytes: Uint8Array): void
  /** Undoes reset, swallowAnswers and delay, for what comes from now on. */
  heal(): void
  /** Asks for a listener at each new connection, which is shown all that the client sends; the result ends that. */
  onConnection(listen: () => (chunk: Buffer) => void): () => void
  readonly accepted: () => number
  /** Connections that are open now. */
  readonly connections: () => number
  stop(): Promise<void>
}

/** Stands between a client and a server on loopback, to break what is between them. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const listeners = new Set<() => (chunk: Buffer) => void>()
  const pairs = new Set<readonly [Socket, Socket]>()
  let isBlocked = false
  let isClosed = false
  let isResetting = false
  let isSwallowing = false
  let delayMs = 0
  let accepted = 0

  function pass(from: Socket, to: Socket, isAnswer: boolean): void {
    from.on('data', (chunk) => {
      if (isAnswer && isSwallowing) return
      if (delayMs === 0) to.write(chunk)
      else setTimeout(() => to.write(chunk), delayMs)
    })
  }

  const server = createServer((client) => {
    accepted++
    if (isResetting) {
      client.resetAndDestroy()
      return
    }
    if (isClosed) {
      client.destroy()
      accepted--
      return
    }
    const upstream = connect({ host: '127.0.0.1', port: targetPort })
    const pair = [client, upstream] as const
    for (const listen of listeners) client.on('data', listen())
    pairs.add(pair)
    pass(client, upstream, false)
    pass(upstream, client, true)
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.setNoDelay(true)
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
    reset: () => {
      isResetting = true
      for (const [client, upstream] of pairs) {
        client.resetAndDestroy()
        upstream.destroy()
      }
    },
    swallowAnswers: () => {
      isSwallowing = true
    },
    delay: (ms) => {
      delayMs = ms
    },
    say: (bytes) => {
      for (const [client] of pairs) client.write(bytes)
    },
    heal: () => {
      isResetting = false
      isSwallowing = false
      delayMs = 0
    },
    onConnection: (listen) => {
      listeners.add(listen)
      return () => void listeners.delete(listen)
    },
    accepted: () => accepted,
    connections: () => pairs.size,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
