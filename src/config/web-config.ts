import { validateHeaderValue } from 'node:http'
import { z } from 'zod'
import { parseDuration } from './duration.ts'
import { hints } from './hints.ts'
import { loadConfig } from './load.ts'
import { besideOthers, member } from './rules.ts'
import { parsed } from './text-options.ts'
import { type WebTls, webTls } from './web-config-tls.ts'

/** What the file of `web.config_file` says: how the HTTP server is protected. */
export interface WebConfig {
  /** Absent: plain HTTP. */
  readonly tls?: WebTls
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>
  /** Names to bcrypt hashes; without any nobody is asked who they are. */
  readonly users: ReadonlyMap<string, string>
  /** Of all requests together. */
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number }
}

/** A bcrypt hash that costs seconds of one core would let a few logins stop all others. */
const mostCost = 16
const hash = parsed(`a bcrypt hash ("$2y$10$…", cost 4 to ${mostCost}), never the password itself`, (text) => {
  const cost = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text)?.[1]
  return cost !== undefined && Number(cost) >= 4 && Number(cost) <= mostCost ? text : undefined
})
// Never printed: a hash is what a password is guessed from.
hints.add(hash, { expected: hints.get(hash)?.expected ?? '', secret: true })

const users = z.record(z.string(), hash).superRefine((value, context) => {
  for (const name of Object.keys(value))
    if (!/^[^:\p{Cc}]+$/u.test(name))
      context.addIssue({ code: 'custom', path: [name], message: 'expected a name without ":" or control characters' })
})

const allowed = (words: readonly string[], or: string) =>
  parsed(or, (text) => (words.includes(text) ? text : undefined)).optional()

const anyText = (name: string) =>
  parsed('the value of a header, in one line', (text) => {
    try {
      validateHeaderValue(name, text)
      return text
    } catch {
      return undefined
    }
  }).optional()

const http = z.strictObject({
  http2: z
    .boolean()
    .optional()
    .refine((value) => value !== true, 'expected false, or nothing: Lagkeeper speaks HTTP/1.1 only'),
  headers: z
    .strictObject({
      'Strict-Transport-Security': anyText('Strict-Transport-Security'),
      'X-Content-Type-Options': allowed(['nosniff'], 'nosniff'),
      'X-Frame-Options': allowed(['deny', 'sameorigin'], 'deny or sameorigin'),
      'X-XSS-Protection': anyText('X-XSS-Protection'),
      'Content-Security-Policy': anyText('Content-Security-Policy'),
    })
    .prefault({}),
})

const limit = z
  .strictObject({
    interval: parsed('a duration such as "100ms", or 0 for no limit', (text) =>
      text === '0' ? 0 : parseDuration(text),
    ).prefault('0'),
    burst: z.int().min(0).prefault(0),
  })
  .superRefine((value, context) => {
    if (value.interval > 0 && value.burst === 0)
      context.addIssue({ code: 'custom', path: ['burst'], message: 'expected at least 1: 0 would refuse everything' })
  })

const schema = z
  .strictObject({
    tls_server_config: webTls.optional(),
    http_server_config: http.prefault({}),
    basic_auth_users: users.prefault({}),
    rate_limit: limit.prefault({}),
  })
  .superRefine((value, context) => {
    const headers = member(member(value, 'http_server_config'), 'headers')
    if (member(headers, 'Strict-Transport-Security') === undefined) return
    if (member(value, 'tls_server_config') !== undefined) return
    const path = ['http_server_config', 'headers', 'Strict-Transport-Security']
    context.addIssue({ code: 'custom', path, message: 'expected tls_server_config beside it: browsers ignore it here' })
  }, besideOthers)

/**
 * Reads a web configuration in the format of Prometheus' exporter-toolkit; an empty file protects nothing. Certificates
 * and keys are read too, so that what is returned works. References to the environment are no part of the format.
 *
 * @throws ConfigError with every problem at once, each with file, option and line
 * @see https://prometheus.io/docs/prometheus/latest/configuration/https/
 */
export function loadWebConfig(file: string): WebConfig {
  const found = loadConfig(schema, { file, env: {} })
  const { interval, burst } = found.rate_limit
  const headers = Object.entries(found.http_server_config.headers).filter(([, value]) => value !== '')
  return {
    ...(found.tls_server_config === undefined ? {} : { tls: found.tls_server_config }),
    headers: Object.fromEntries(headers.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
    users: new Map(Object.entries(found.basic_auth_users)),
    ...(interval > 0 ? { rateLimit: { perSecond: 1000 / interval, burst } } : {}),
  }
}
