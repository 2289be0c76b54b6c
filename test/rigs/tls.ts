import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from './run.ts'

/** Paths of one small certificate authority and what it signed. */
export interface TlsFiles {
  /** PEM, for Node. */
  readonly ca: string
  /** PEM; names `localhost` and `127.0.0.1`. */
  readonly serverCert: string
  readonly serverKey: string
  /** PEM; the subject is `CN=client`. */
  readonly clientCert: string
  readonly clientKey: string
  /** PKCS12, for a JVM. */
  readonly serverStore: string
  readonly clientStore: string
  readonly trustStore: string
  /** Of all three stores and their keys. */
  readonly password: string
}

/** Makes a certificate authority, a server and a client key with openssl, and the stores that a JVM wants. */
export async function createTls(folder: string): Promise<TlsFiles> {
  await mkdir(folder, { recursive: true })
  const file = (name: string) => join(folder, name)
  const password = 'rigpass'
  const caKey = file('ca.key')
  const ca = file('ca.pem')
  await runOrThrow('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=rig-ca'],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-keyout', caKey, '-out', ca],
  ])
  const extensions = file('leaf.cnf')
  await writeFile(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n')
  const sign = async (name: string) => {
    const key = file(`${name}.key`)
    const request = file(`${name}.csr`)
    const cert = file(`${name}.pem`)
    const store = file(`${name}.p12`)
    await runOrThrow('openssl', [
      ...['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', key, '-out', request],
    ])
    await runOrThrow('openssl', [
      ...['x509', '-req', '-days', '30', '-in', request, '-CA', ca, '-CAkey', caKey, '-CAcreateserial'],
      ...['-extfile', extensions, '-out', cert],
    ])
    await runOrThrow('openssl', [
      ...['pkcs12', '-export', '-name', name, '-in', cert, '-inkey', key, '-certfile', ca],
      ...['-passout', `pass:${password}`, '-out', store],
    ])
    return { key, cert, store }
  }
  const server = await sign('server')
  const client = await sign('client')
  const trustStore = file('trust.p12')
  await rm(trustStore, { force: true })
  // keytool, because openssl 3.0 cannot mark a certificate as trusted in the way a JVM asks for.
  await runOrThrow('keytool', [
    ...['-importcert', '-noprompt', '-alias', 'ca', '-file', ca],
    ...['-storetype', 'PKCS12', '-storepass', password, '-keystore', trustStore],
  ])
  return {
    ca,
    serverCert: server.cert,
    serverKey: server.key,
    clientCert: client.cert,
    clientKey: client.key,
    serverStore: server.store,
    clientStore: client.store,
    trustStore,
    password,
  }
}
