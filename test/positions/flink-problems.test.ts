import { expect, it } from 'vitest'
import type { PageFailure } from '../../src/flink/flink-page.ts'
import { unreadPages } from '../../src/positions/flink-problems.ts'

function failure(id: string, flinkCluster: string, kind: PageFailure['kind']): PageFailure {
  return { id, flinkCluster, url: `http://10.0.0.1:9250/${id}`, kind, why: `because of ${kind}`, at: 1 }
}

const kafkaClusterOf = (flinkCluster: string): string | undefined => ({ prod: 'main', other: 'backup' })[flinkCluster]

it('tells one problem for each Flink cluster and way to fail, where its topics are', () => {
  const failures = () => [
    failure('a', 'prod', 'timeout'),
    failure('b', 'prod', 'timeout'),
    failure('c', 'prod', 'other_process'),
    failure('d', 'other', 'refused'),
    failure('e', 'nobody-knows', 'too_large'),
  ]

  expect(unreadPages({ kafkaCluster: 'main', failures, kafkaClusterOf })).toEqual([
    {
      reason: 'timeout',
      message:
        'Read the page of a TaskManager of "prod" at http://10.0.0.1:9250/a: because of timeout (1 more of this Flink cluster fail in the same way)',
    },
    {
      reason: 'read_failed',
      message: 'Read the page of a TaskManager of "prod" at http://10.0.0.1:9250/c: because of other_process',
    },
    {
      reason: 'read_failed',
      message: 'Read the page of a TaskManager of "nobody-knows" at http://10.0.0.1:9250/e: because of too_large',
    },
  ])
})

it('tells nothing when every page was read', () => {
  expect(unreadPages({ kafkaCluster: 'main', failures: () => [], kafkaClusterOf })).toEqual([])
})
