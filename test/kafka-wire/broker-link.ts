import { createConnection } from 'node:net'

/** The barest connection to a broker, one request at a time, for recording. */
export interface BrokerLink extends AsyncDisposable {
  /** Sends a frame and settles with the next one that comes; both without their length. */
  ask(frame: Buffer): Promise<Buffer>
}

const limitMs = 20_000

/** `address` is `host:port`. */
export async function openBrokerLink(address: string): Promise<BrokerLink> {
  const [host, port] = address.split(':')
  const socket = createConnection({ host: host ?? '', port: Number(port) })
  const close = async () => {
    socket.destroy()
  }
  return {
    ask: (frame) =>
      new Promise((resolve, reject) => {
        let arrived = Buffer.alloc(0)
        const timer = setTimeout(() => done(() => reject(new Error(`Ask "${address}": no answer`))), limitMs)
        const onData = (chunk: Buffer) => {
          arrived = Buffer.concat([arrived, chunk])
          if (arrived.length < 4) return
          const length = arrived.readInt32BE()
          if (arrived.length >= 4 + length) done(() => resolve(arrived.subarray(4, 4 + length)))
        }
        const onClose = () => done(() => reject(new Error(`Ask "${address}": closed`)))
        const done = (settle: () => void) => {
          clearTimeout(timer)
          socket.off('data', onData).off('close', onClose)
          settle()
        }
        socket.on('data', onData).on('close', onClose)
        const head = Buffer.alloc(4)
        head.writeInt32BE(frame.length)
        socket.write(Buffer.concat([head, frame]))
      }),
    [Symbol.asyncDispose]: close,
  }
}
