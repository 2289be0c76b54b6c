import { z } from 'zod'
import { besideOthers, member } from '../config/rules.ts'
import type { Secret } from '../config/secret.ts'
import { secret, text } from '../config/text-options.ts'
import { hasIssue, type OauthConfig, oauthSchema } from './kafka-oauth-schema.ts'
import { kerberosProblem } from './kerberos.ts'
import { packageProblem } from './optional-package.ts'

const aws = z.strictObject({
  region: text('a region such as eu-central-1', /^[a-z\d-]{1,63}$/).describe('Region of the cluster.'),
  profile: text('a profile', /^\S{1,200}$/)
    .optional()
    .describe('Profile of the AWS configuration files, in place of `AWS_PROFILE`.'),
})

const kerberos = z.strictObject({
  service_name: text('a name such as kafka', /^[A-Za-z0-9._-]{1,63}$/)
    .prefault('kafka')
    .describe("First part of the brokers' principals: their `sasl.kerberos.service.name`."),
  principal: text('a principal such as lagkeeper@EXAMPLE.COM', /^[^\s@]{1,200}(?:@[^\s@]{1,200})?$/)
    .optional()
    .describe('Who we are; without it whoever the credential cache or the client keytab is for.'),
})

const options = z.strictObject({
  mechanism: z
    .enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'AWS_MSK_IAM', 'GSSAPI'])
    .describe('How to authenticate. `PLAIN` and `OAUTHBEARER` send the secret itself: use them only with `tls`.'),
  username: text('a user name')
    .optional()
    .describe('User of `PLAIN` or `SCRAM`, required there; it needs the right to DESCRIBE only.'),
  password: secret().optional().describe('Password of the user, required with `username`.'),
  oauth: oauthSchema.optional().describe('Where the token of `OAUTHBEARER` comes from; required there.'),
  aws: aws.optional().describe('Where the cluster of `AWS_MSK_IAM` is; required there.'),
  kerberos: kerberos.optional().describe('Who we are by `GSSAPI`, which needs the npm package `kerberos`.'),
})

type Options = z.output<typeof options>
type Mechanism = Options['mechanism']

const partNames = ['username', 'password', 'oauth', 'aws', 'kerberos'] as const

/** The options that belong to each mechanism; all but `kerberos`, which has defaults, are required there. */
const partsOf: Readonly<Record<Mechanism, readonly (typeof partNames)[number][]>> = {
  PLAIN: ['username', 'password'],
  'SCRAM-SHA-256': ['username', 'password'],
  'SCRAM-SHA-512': ['username', 'password'],
  OAUTHBEARER: ['oauth'],
  AWS_MSK_IAM: ['aws'],
  GSSAPI: ['kerberos'],
}

/** Only these mechanisms need packages that are not installed for everybody. */
const packageProblems: Readonly<Record<string, () => string | undefined>> = {
  AWS_MSK_IAM: () => packageProblem('@aws-sdk/credential-provider-node'),
  GSSAPI: () => kerberosProblem(),
}

/** The block `sasl` as configured. */
export type KafkaSaslConfig =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: Secret
    }
  | (OauthConfig & { readonly mechanism: 'OAUTHBEARER' })
  | { readonly mechanism: 'AWS_MSK_IAM'; readonly region: string; readonly profile: string | undefined }
  | { readonly mechanism: 'GSSAPI'; readonly serviceName: string; readonly principal: string | undefined }

/** The block `sasl` of a Kafka cluster: the options of the mechanism, and none of another. */
export const kafkaSaslSchema = options
  .superRefine(rightParts, besideOthers)
  .transform((value, context): KafkaSaslConfig => {
    const config = configOf(value)
    if (config !== undefined) return config
    context.addIssue({ code: 'custom', message: `expected ${partsOf[value.mechanism].join(' and ')}` })
    return z.NEVER
  })

function rightParts(value: unknown, context: z.core.$RefinementCtx): void {
  const mechanism = options.shape.mechanism.safeParse(member(value, 'mechanism')).data
  if (mechanism === undefined) return
  const add = (name: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [name], message: `${message} with mechanism "${mechanism}"` })
  for (const name of partNames) {
    const isGiven = member(value, name) !== undefined || hasIssue(context, name)
    const belongs = partsOf[mechanism].includes(name)
    if (isGiven && !belongs) add(name, 'expected none')
    if (!isGiven && belongs && name !== 'kerberos') add(name, 'expected it')
  }
  const problem = packageProblems[mechanism]?.()
  if (problem !== undefined) context.addIssue({ code: 'custom', path: ['mechanism'], message: problem })
}

function configOf(value: Options): KafkaSaslConfig | undefined {
  const { mechanism, username, password, oauth } = value
  switch (mechanism) {
    case 'OAUTHBEARER':
      return oauth === undefined ? undefined : { mechanism, ...oauth }
    case 'AWS_MSK_IAM':
      return value.aws === undefined ? undefined : { mechanism, region: value.aws.region, profile: value.aws.profile }
    case 'GSSAPI':
      return {
        mechanism,
        serviceName: value.kerberos?.service_name ?? 'kafka',
        principal: value.kerberos?.principal,
      }
    case 'PLAIN':
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      return username === undefined || password === undefined ? undefined : { mechanism, username, password }
  }
}
