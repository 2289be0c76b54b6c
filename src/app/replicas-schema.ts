import { z } from 'zod'
import { member } from '../config/rules.ts'
import { parsed } from '../config/text-options.ts'

/** The option `web.advertise_url`; its value has no slash at its end. */
export function advertiseUrl() {
  return parsed('a URL such as "http://lagkeeper-1.example.com:10390"', (value) => {
    if (!URL.canParse(value)) return undefined
    const { protocol, username, password, search, hash } = new URL(value)
    const isPlain = [username, password, search, hash].every((part) => part === '')
    return /^https?:$/.test(protocol) && isPlain ? value.replace(/\/+$/, '') : undefined
  })
}

export const replicasSchema = z.strictObject({
  share_kafka: z
    .boolean()
    .prefault(false)
    .describe(
      '`true`: each Kafka cluster is read by one replica, which alone prints it; else every replica reads and prints all. Needs `zookeeper`.',
    ),
})

/** A rule for the whole configuration. */
export function sharingNeedsZookeeper(value: unknown, context: z.core.$RefinementCtx): void {
  if (member(member(value, 'replicas'), 'share_kafka') !== true || member(value, 'zookeeper') !== undefined) return
  context.addIssue({
    code: 'custom',
    path: ['replicas', 'share_kafka'],
    message: 'expected "zookeeper" beside it: without it replicas do not know each other',
  })
}
