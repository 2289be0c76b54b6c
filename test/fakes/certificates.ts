import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Paths of a certificate (PEM) and its key. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

const program = 'openssl'

/** A small certificate authority in a folder, made with openssl. */
export interface Authority {
  /** Path of its certificate. */
  readonly ca: string
  /** Signs a new key; the names are those of openssl, such as `DNS:localhost,IP:127.0.0.1`. -1 day is over already. */
  issue(name: string, names?: string, days?: number): KeyPair
}

export function createAuthority(folder: string, name = 'ca'): Authority {
  const path = (file: string): string => join(folder, `${name}-${file}`)
  const openssl = (...args: readonly string[]): unknown => execFileSync(program, args, { stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const ca = path('ca.pem')
  openssl('req', '-x509', ...newKey, '-days', '30', '-subj', `/CN=${name}`, '-keyout', path('ca.key'), '-out', ca)
  return {
    ca,
    issue: (subject, names = 'DNS:localhost,IP:127.0.0.1', days = 30) => {
      const pair = { cert: path(`${subject}.pem`), key: path(`${subject}.key`) }
      const extensions = path(`${subject}.cnf`)
      writeFileSync(extensions, names === '' ? '' : `subjectAltName=${names}\n`)
      openssl('req', ...newKey, '-subj', `/CN=${subject}`, '-keyout', pair.key, '-out', path('csr'))
      openssl(
        ...['x509', '-req', '-days', String(days), '-in', path('csr'), '-CA', ca, '-CAkey', path('ca.key')],
        ...['-CAcreateserial', '-extfile', extensions, '-out', pair.cert],
      )
      return pair
    },
  }
}
