import { once } from 'node:events'
import { copyFile, rename, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { createTls } from '../rigs/tls.ts'
import { temporaryFolder } from './temporary-folder.ts'
import type { WorldOptions } from './world.ts'

let folder = ''

/** A daemon that serves TLS by a `web.config_file`; the test reaches it through a relay that undoes the TLS. */
export const tlsWorld = {
  options: async (): Promise<WorldOptions> => {
    folder = temporaryFolder('tls')
    for (const name of ['first', 'second']) {
      const { serverCert, serverKey } = await createTls(join(folder, `authority-${name}`))
      await copyFile(serverCert, join(folder, `${name}.pem`))
      await copyFile(serverKey, join(folder, `${name}.key`))
    }
    await writeFile(join(folder, 'spoilt.pem'), 'no certificate')
    await copyFile(join(folder, 'first.key'), join(folder, 'spoilt.key'))
    await tlsWorld.swap('first')
    await tlsWorld.configure(tlsWorld.good)
    return {
      web: `config_file: "${join(folder, 'web.yml')}"`,
      reach: relayTls,
    }
  },
  good: 'tls_server_config: { cert_file: shown.pem, key_file: shown.key }\n',
  /** Replaces the web configuration, which lies beside the certificate. */
  configure: (text: string): Promise<void> => writeFile(join(folder, 'web.yml'), text),
  /** Puts another certificate in place of the one that is shown. */
  swap: async (name: 'first' | 'second' | 'spoilt'): Promise<void> => {
    for (const kind of ['key', 'pem']) {
      await copyFile(join(folder, `${name}.${kind}`), join(folder, `next.${kind}`))
      await rename(join(folder, `next.${kind}`), join(folder, `shown.${kind}`))
    }
  },
  fingerprint: async (port: number): Promise<string> => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  },
} as const

async function relayTls(port: number): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createServer((plain) => {
    const secure = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
    for (const [from, to] of [
      [plain, secure],
      [secure, plain],
    ] as const) {
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
      from.pipe(to)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const own = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${own}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

const placeholder = 'garbage-goes-here.invalid'

/** Sends handshakes whose server name is no name. @returns how many were sent */
export async function garbageServerNames(port: number): Promise<number> {
  const hello = await clientHello()
  const at = hello.indexOf(placeholder, 0, 'latin1')
  if (at < 0) throw new Error('Make a handshake: its server name was not found')
  const garbage = [0x00, 0x0a, 0x22, 0x2e, 0x2f, 0x5c, 0x7f, 0x80, 0xc3, 0xfe, 0xff, 0x2a]
  for (const byte of garbage) {
    const spoilt = Buffer.from(hello)
    spoilt.fill(byte, at, at + placeholder.length)
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.end(spoilt)
    socket.resume()
    await Promise.race([once(socket, 'close'), new Promise((resolve) => setTimeout(resolve, 500))])
    socket.destroy()
  }
  return garbage.length
}

/** The first thing that a client of TLS says. */
async function clientHello(): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = connectTls({ host: '127.0.0.1', port, servername: placeholder, rejectUnauthorized: false })
  client.on('error', () => undefined)
  const [socket] = await once(server, 'connection')
  const [bytes] = await once(socket, 'data')
  socket.destroy()
  client.destroy()
  server.close()
  return bytes
}
