import { z } from 'zod'
import { besideOthers, distinct, member } from '../config/rules.ts'
import { text } from '../config/text-options.ts'
import type { ApplicationFilter } from '../yarn/application.ts'
import { flinkClusterOptions } from './flink-schema.ts'
import { restUrl } from './reporter-ports-option.ts'
import { tlsClient } from './tls-client.ts'

const auth = z
  .strictObject({
    user: text('a user name', /^[^\s&=]{1,128}$/)
      .optional()
      .describe('Who we say that we are (`?user.name=`): believed by clusters without Kerberos.'),
    command: text('a program or an argument')
      .array()
      .min(1)
      .optional()
      .describe(
        'Program and arguments that print the header lines for a request, such as `Authorization: Negotiate …`; run without a shell, again when they are refused.',
      ),
  })
  .superRefine(oneOf('user', 'command'), besideOthers)

const names = (expected: string) => text(expected, /^[^,\s]{1,256}$/).array()

const applications = z.strictObject({
  types: text('an application type', /^[^,]{1,64}$/)
    .array()
    .prefault(['Apache Flink'])
    .describe('Types of applications; `yarn.application.type` of Flink changes its own.'),
  queues: names('a queue').prefault([]).describe('Queues; an empty list means all.'),
  users: names('a user').prefault([]).describe('Users; an empty list means all.'),
  tags: names('a tag').prefault([]).describe('Tags, of which an application must have one; an empty list means all.'),
})

const yarnClusterSchema = z.strictObject({
  ...flinkClusterOptions,
  resource_managers: restUrl('http://rm1:8088')
    .array()
    .min(1)
    .describe('All ResourceManagers; each is asked itself, the one that was active last first.'),
  auth: auth.optional().describe('Who we are to YARN; without it nobody.'),
  tls: tlsClient.optional().describe('For `https`; `{}` is enough when the certificates are publicly trusted.'),
  applications: applications.prefault({}).describe('Which applications are looked at.'),
})

export const yarnSchema = z.array(yarnClusterSchema).superRefine(distinct('name'), besideOthers)

export type YarnConfig = z.output<typeof yarnClusterSchema>

/** What the discoverer takes of `applications`. */
export function applicationFilter({ types, queues, users, tags }: YarnConfig['applications']): ApplicationFilter {
  return { types, queues, users, tags }
}

function oneOf(one: string, other: string): (value: unknown, context: z.core.$RefinementCtx) => void {
  return (value, context) => {
    const given = [one, other].filter((option) => member(value, option) !== undefined)
    if (given.length === 1) return
    const message = `expected one of "${one}" and "${other}"`
    context.addIssue({ code: 'custom', path: given.length === 0 ? [] : [other], message })
  }
}
