import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ServerTls } from './protection.ts'

/** Why the client at the other end may not come in; undefined when it may. What OpenSSL has refused is not here any more. */
export function clientObjection(
  socket: TLSSocket,
  { clientAuth, allowedSans }: Pick<ServerTls, 'clientAuth' | 'allowedSans'>,
): string | undefined {
  if (clientAuth === 'NoClientCert' || clientAuth === 'RequestClientCert') return undefined
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined)
    return clientAuth === 'VerifyClientCertIfGiven' ? undefined : 'it showed no certificate'
  if (clientAuth === 'RequireAnyClientCert') return undefined
  if (!socket.authorized) return `its certificate is not trusted (${String(socket.authorizationError)})`
  if (allowedSans.length === 0 || namesIn(certificate).some((name) => allowedSans.includes(name))) return undefined
  return 'no name in its certificate is one of client_allowed_sans'
}

/** The first name in the certificate of the client, when it showed one that was verified. */
export function certificateName(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  return namesIn(certificate)[0] ?? /^CN=(.+)$/m.exec(certificate.subject)?.[1]
}

/** `DNS:a, IP Address:10.0.0.7, URI:"with, a comma"`: what is odd stands in quotes, as JSON. */
function namesIn({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return [...subjectAltName.matchAll(/(?:^|, )[\w ]+:("(?:[^"\\]|\\.)*"|[^,]*)/g)].map(([, name = '']) =>
    name.startsWith('"') ? String(JSON.parse(name)) : name,
  )
}
