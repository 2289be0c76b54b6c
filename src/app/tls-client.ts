import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { z } from 'zod'
import { besideOthers, onlyTogether } from '../config/rules.ts'
import { file, privateFile, text } from '../config/text-options.ts'

/** The block `tls` of what we connect to. */
export const tlsClient = z
  .strictObject({
    ca_file: file()
      .optional()
      .describe('Certificates (PEM) of the authorities to trust, in place of those that Node.js trusts.'),
    cert_file: file().optional().describe('Certificate (PEM) that we show to the servers; needs `key_file`.'),
    key_file: privateFile().optional().describe('Private key (PEM) of `cert_file`; nobody but its owner may read it.'),
    server_name: text('a host name', /^[A-Za-z0-9._-]{1,253}$/)
      .optional()
      .describe('Name that the certificate of every server must have, in place of the host we connect to.'),
    insecure_skip_verify: z
      .boolean()
      .prefault(false)
      .describe('`true` accepts any certificate: whoever stands in between can read and change everything.'),
  })
  .superRefine(onlyTogether('cert_file', 'key_file'), besideOthers)

/** The files are read now. */
export function tlsClientOptions(tls: z.output<typeof tlsClient>): ConnectionOptions {
  return {
    rejectUnauthorized: !tls.insecure_skip_verify,
    ...(tls.ca_file === undefined ? {} : { ca: readFileSync(tls.ca_file) }),
    ...(tls.cert_file === undefined ? {} : { cert: readFileSync(tls.cert_file) }),
    ...(tls.key_file === undefined ? {} : { key: readFileSync(tls.key_file) }),
    ...(tls.server_name === undefined ? {} : { servername: tls.server_name }),
  }
}
