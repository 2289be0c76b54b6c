import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from '../rigs/run.ts'
import type { TlsFiles } from '../rigs/tls.ts'

/** Paths of a certificate (PEM) that was over yesterday, its key, and both in a PKCS12 with the password of the rig's. */
interface Expired {
  readonly cert: string
  readonly key: string
  readonly store: string
}

/** As the rig's authority signed the certificate of `name`, and expired. */
export async function expiredStore(tls: TlsFiles, name: string): Promise<Expired> {
  const authority = join(tls.ca, '..')
  const folder = await mkdtemp(join(authority, 'expired-'))
  const path = (part: string): string => join(folder, `${name}.${part}`)
  const [cert, key, store] = [path('pem'), path('key'), path('p12')]
  await writeFile(path('cnf'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n')
  await runOrThrow('openssl', [
    ...['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', key, '-out', path('csr')],
  ])
  await runOrThrow('openssl', [
    ...['x509', '-req', '-days', '-1', '-in', path('csr'), '-CA', tls.ca, '-CAkey', join(authority, 'ca.key')],
    ...['-CAcreateserial', '-extfile', path('cnf'), '-out', cert],
  ])
  await runOrThrow('openssl', [
    ...['pkcs12', '-export', '-name', name, '-in', cert, '-inkey', key, '-certfile', tls.ca],
    ...['-passout', `pass:${tls.password}`, '-out', store],
  ])
  return { cert, key, store }
}
