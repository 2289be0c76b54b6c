import { createKeptLines, type KeptLines } from '../model/kept-lines.ts'
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

/** What an earlier process left. @param kafkaCluster the lines of another one are refused */
export function createLinkReader(kafkaCluster: string): KeptLines<readonly GroupLink[]> {
  const links: GroupLink[] = []
  return createKeptLines({
    kind: 'group_links',
    version: VERSION,
    kafkaCluster,
    head: () => undefined,
    line: ({ group, consumer }) => {
      if (typeof group !== 'string' || typeof consumer !== 'string') return false
      links.push({ group, consumer })
      return undefined
    },
    done: () => links,
  })
}
