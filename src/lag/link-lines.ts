import type { GroupLink } from './group-links.ts'

/**
 * What a later process needs to know of the groups of jobs, as lines of JSON, for people to read as well:
 *
 *     {"lagkeeper":"group_links","version":1,"kafka_cluster":"main"}
 *     {"group":"orders-etl","consumer":"prod/orders.etl-v1"}
 *     {"lines":2}
 */
export function* linkLines(kafkaCluster: string, links: readonly GroupLink[]): Generator<string> {
  yield line({ lagkeeper: 'group_links', version: VERSION, kafka_cluster: kafkaCluster })
  for (const { group, consumer } of links) yield line({ group, consumer })
  yield line({ lines: 1 + links.length })
}

const VERSION = 1

function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}

/** The links in such lines. @throws Error that says what is wrong with them */
export function parseLinks(text: string, kafkaCluster: string): readonly GroupLink[] {
  const lines = text.split('\n').filter((one) => one !== '')
  const links: GroupLink[] = []
  for (const [index, one] of lines.entries()) {
    const fields = fieldsOf(one)
    const { group, consumer } = fields
    if (index === 0) {
      if (fields['lagkeeper'] !== 'group_links' || fields['version'] !== VERSION)
        throw new Error('line 1: not of this kind')
      if (fields['kafka_cluster'] !== kafkaCluster)
        throw new Error(`line 1: of Kafka cluster "${String(fields['kafka_cluster'])}"`)
    } else if (typeof group === 'string' && typeof consumer === 'string') links.push({ group, consumer })
    else if (fields['lines'] !== index || index !== lines.length - 1)
      throw new Error(`line ${index + 1}: no link, and not the end`)
    else return links
  }
  throw new Error(`line ${lines.length}: the file breaks off`)
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
