import { z } from 'zod'
import { besideOthers, member } from '../config/rules.ts'
import type { Secret } from '../config/secret.ts'
import { file, parsed, privateFile, secret, text } from '../config/text-options.ts'

const options = z.strictObject({
  token_file: privateFile()
    .optional()
    .describe('File with the token, read again for every connection: whoever writes it keeps it fresh.'),
  command: text('a program or an argument')
    .array()
    .min(1)
    .optional()
    .describe('Program and arguments that print the token; run without a shell whenever a fresh one is needed.'),
  token_endpoint: parsed('a URL such as "https://idp.example.com/oauth2/token"', endpointUrl)
    .optional()
    .describe('Token endpoint of an OpenID provider, which is asked for a token with `client_id` and `client_secret`.'),
  client_id: text('a client id').optional().describe('Client that we are to the token endpoint.'),
  client_secret: secret().optional().describe('Secret of the client.'),
  client_auth: z
    .enum(['basic', 'post'])
    .prefault('basic')
    .describe('How the secret of the client is sent: in the header (`basic`) or in the form (`post`).'),
  scope: text('scopes with blanks in between').optional().describe('Scopes to ask the token endpoint for.'),
  audience: text('an audience').optional().describe('Audience to ask the token endpoint for, where it wants one.'),
  ca_file: file()
    .optional()
    .describe('Certificates (PEM) of the authorities to trust for the token endpoint, in place of those of Node.js.'),
  extensions: parsed('"name=value", the name of letters, the value printable', extension)
    .array()
    .prefault([])
    .describe('SASL extensions, such as `logicalCluster=lkc-1234` for Confluent Cloud.'),
})

type Options = z.output<typeof options>

/** Where a token comes from. */
export type OauthSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly command: readonly string[] }
  | {
      readonly kind: 'endpoint'
      readonly url: string
      readonly clientId: string
      readonly clientSecret: Secret
      readonly clientAuth: Options['client_auth']
      readonly scope: string | undefined
      readonly audience: string | undefined
      readonly caFile: string | undefined
    }

/** The block `oauth` as configured. */
export interface OauthConfig {
  readonly source: OauthSource
  readonly extensions: Readonly<Record<string, string>>
}

const sources = ['token_file', 'command', 'token_endpoint'] as const
const ofEndpoint = ['client_id', 'client_secret', 'scope', 'audience', 'ca_file'] as const

/** The block `oauth`: exactly one source of tokens, and of the other options those that belong to it. */
export const oauthSchema = options.superRefine(oneSource, besideOthers).transform((value, context): OauthConfig => {
  const source = sourceOf(value)
  if (source !== undefined) return { source, extensions: Object.fromEntries(value.extensions) }
  context.addIssue({ code: 'custom', message: `expected one of ${sources.join(', ')}` })
  return z.NEVER
})

function oneSource(value: unknown, context: z.core.$RefinementCtx): void {
  const given = sources.filter((name) => member(value, name) !== undefined)
  const add = (path: readonly string[], message: string): void =>
    context.addIssue({ code: 'custom', path: [...path], message })
  if (given.length === 0) add([], `expected one of ${sources.join(', ')}`)
  for (const name of given.slice(1)) add([name], `given beside "${given[0]}", expected only one of them`)
  const isEndpoint = given[0] === 'token_endpoint'
  for (const name of ofEndpoint)
    if (!isEndpoint && member(value, name) !== undefined) add([name], 'expected it only beside "token_endpoint"')
  for (const name of ['client_id', 'client_secret'])
    if (isEndpoint && member(value, name) === undefined && !hasIssue(context, name))
      add([name], 'expected it beside "token_endpoint"')
}

/** True when something is already said about an option: what could not be read is not missing. */
export function hasIssue(context: z.core.$RefinementCtx, name: string): boolean {
  return context.issues.some(({ path }) => path?.[0] === name)
}

function sourceOf(value: Options): OauthSource | undefined {
  const { token_endpoint: url, client_id: clientId, client_secret: clientSecret } = value
  if (value.token_file !== undefined) return { kind: 'file', path: value.token_file }
  if (value.command !== undefined) return { kind: 'command', command: value.command }
  if (url === undefined || clientId === undefined || clientSecret === undefined) return undefined
  const { client_auth: clientAuth, scope, audience, ca_file: caFile } = value
  return { kind: 'endpoint', url, clientId, clientSecret, clientAuth, scope, audience, caFile }
}

/** Plain HTTP is for a program on this host only: the secret and the token travel there. */
function endpointUrl(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined
  const { protocol, hostname, username, hash } = new URL(value)
  const isLocal = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
  return (protocol === 'https:' || (protocol === 'http:' && isLocal)) && username === '' && hash === ''
    ? value
    : undefined
}

/** KIP-342: letters, and nothing that could end the value. The name "auth" is that of the token itself. */
function extension(value: string): readonly [string, string] | undefined {
  const [, name, content] = /^([A-Za-z]+)=([\x20-\x7e]+)$/.exec(value) ?? []
  return name === undefined || content === undefined || name === 'auth' ? undefined : [name, content]
}
