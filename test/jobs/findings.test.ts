import { describe, expect, it } from 'vitest'
import type { JobFacts } from '../../src/jobs/facts.ts'
import { examinations } from '../../src/jobs/findings.ts'
import type { FindingKind } from '../../src/model/finding.ts'
import type { JobCheckpoints, JobVertex } from '../../src/model/job.ts'
import { fakeApplication, fakeFacts, fakeGauges, fakeJob, NOW } from './fakes.ts'

const MINUTE = 60_000

function vertex(more: Partial<JobVertex> = {}): JobVertex {
  return { id: 't1', name: 'Source: orders', parallelism: 1, state: 'RUNNING', ...more }
}

function checkpoints(more: Partial<JobCheckpoints> = {}): JobCheckpoints {
  return { intervalMs: MINUTE, completed: 3, failed: 0, inProgress: 0, restored: 0, lastCompletedAt: NOW, ...more }
}

const oneGauge = fakeGauges({ current: 5 })
const kafkaVertex = fakeJob({ vertices: [vertex({ name: 'Source: KafkaSource' })] })

/** What a kind says: `fine`, `unknown`, or the evidence. */
function judged(kind: FindingKind, facts: Partial<JobFacts>): unknown {
  const judgement = examinations[kind].judge(fakeFacts(facts))
  if (typeof judgement === 'string') return judgement
  expect(judgement.kind).toBe(kind)
  expect(judgement.message).toMatch(/^[A-Z].{20,}[^.]$/)
  return judgement.evidence
}

describe.each<readonly [FindingKind, readonly (readonly [string, Partial<JobFacts>, unknown])[]]>([
  [
    'topic_read_twice',
    [
      [
        'one operator for each partition',
        {
          job: fakeJob({ plan: [{ id: 'a', description: 'x', parallelism: 1, inputs: [] }] }),
          gauges: fakeGauges({ partition: 0 }, { partition: 1 }),
        },
        'fine',
      ],
      ['nothing to look at', { hasAllPages: false }, 'unknown'],
      [
        'one operator of two subtasks',
        { gauges: fakeGauges({ subtask: 0 }, { subtask: 1 }), hasAllPages: false },
        'unknown',
      ],
      [
        'two operators on one partition of two',
        { gauges: fakeGauges({ operator: 'a' }, { operator: 'b' }, { operator: 'a', partition: 1 }) },
        ['partition 0 of orders: read by Source: a (a) and Source: b (b)'],
      ],
      [
        'two operators on topics of one name in two Kafka clusters, which are two topics',
        {
          gauges: fakeGauges({ operator: 'a', kafkaCluster: 'x' }, { operator: 'b', kafkaCluster: 'y' }),
          hasAllPages: false,
        },
        'unknown',
      ],
      [
        'a table that is scanned twice, without any page',
        {
          hasAllPages: false,
          job: fakeJob({
            plan: ['a', 'b'].map((id) => ({
              id,
              description: '[1]:TableSourceScan(table=[[c, d, t]], fields=[x])',
              parallelism: 1,
              inputs: [],
            })),
          }),
        },
        ['the plan scans table c.d.t 2 times'],
      ],
    ],
  ],
  [
    'parallelism_above_partitions',
    [
      ['no page', {}, 'unknown'],
      ['a page that is missing', { gauges: oneGauge, hasAllPages: false }, 'unknown'],
      [
        'as many subtasks as partitions',
        { job: fakeJob({ vertices: [vertex({ parallelism: 3 })] }), gauges: oneGauge, partitionsOf: () => 3 },
        'fine',
      ],
      [
        'a topic that nobody knows',
        { job: fakeJob({ vertices: [vertex({ parallelism: 9 })] }), gauges: oneGauge },
        'unknown',
      ],
      [
        'two topics of one source, whose partitions count together',
        {
          job: fakeJob({ vertices: [vertex({ parallelism: 6 })] }),
          gauges: fakeGauges({ topic: 'a' }, { topic: 'b' }),
          partitionsOf: () => 3,
        },
        'fine',
      ],
      [
        'more subtasks than both have',
        {
          job: fakeJob({ vertices: [vertex({ parallelism: 7 })] }),
          gauges: fakeGauges({ topic: 'a' }, { topic: 'b' }),
          partitionsOf: () => 3,
        },
        ['parallelism 7 for 6 partitions of a and b: Source: orders'],
      ],
    ],
  ],
  [
    'checkpoint_overdue',
    [
      ['checkpoints that could not be read', {}, 'unknown'],
      ['one just now', { job: fakeJob({ checkpoints: checkpoints() }) }, 'fine'],
      [
        'ten minutes, which are nothing',
        { job: fakeJob({ checkpoints: checkpoints({ lastCompletedAt: NOW - 10 * MINUTE }) }) },
        'fine',
      ],
      [
        'a job that does not run',
        { job: fakeJob({ state: 'RESTARTING', checkpoints: checkpoints({ lastCompletedAt: 0 }) }) },
        'fine',
      ],
      [
        'three intervals of an hour',
        {
          job: fakeJob({
            startedAt: 0,
            checkpoints: checkpoints({ intervalMs: 60 * MINUTE, lastCompletedAt: NOW - 180 * MINUTE }),
          }),
        },
        'fine',
      ],
      [
        'none yet, but it was restored a minute ago',
        { job: fakeJob({ checkpoints: { ...none(), lastRestoredAt: NOW - MINUTE } }) },
        'fine',
      ],
      [
        'none since it started an hour ago',
        { job: fakeJob({ checkpoints: none() }) },
        [
          'no checkpoint completed since the job started at 2026-11-29T23:00:00.000Z',
          'interval 60 s, so one is overdue after 600 s; it has been 3600 s',
          '0 completed, 4 failed, 1 in progress',
        ],
      ],
      [
        'a moment that is none',
        { job: fakeJob({ startedAt: -1e300, checkpoints: { ...none(), lastFailure: { at: 1e300, text: 'no' } } }) },
        expect.arrayContaining(['last failure at 1e+300 ms: no']),
      ],
    ],
  ],
  [
    'checkpointing_off',
    [
      ['unread', { gauges: oneGauge }, 'unknown'],
      ['on', { gauges: oneGauge, job: fakeJob({ checkpoints: checkpoints() }) }, 'fine'],
      ['off for a job without Kafka', { job: fakeJob({ checkpoints: off() }) }, 'fine'],
      ['off for a job that may have Kafka', { job: fakeJob({ checkpoints: off() }), hasAllPages: false }, 'unknown'],
      [
        'off for a job that reads Kafka',
        { gauges: oneGauge, job: fakeJob({ checkpoints: off() }) },
        ['its checkpoint configuration has no interval'],
      ],
    ],
  ],
  [
    'metrics_disabled',
    [
      ['gauges', { gauges: oneGauge, job: kafkaVertex }, 'fine'],
      ['a job without a sign of Kafka', {}, 'fine'],
      ['a page that is missing', { job: kafkaVertex, hasAllPages: false }, 'unknown'],
      ['a job that does not run', { job: { ...kafkaVertex, state: 'CREATED' } }, 'fine'],
      [
        'all pages, Kafka, no gauge',
        { job: kafkaVertex, groups: ['billing'] },
        [
          'no page of a TaskManager has a gauge of a partition of job 0123456789abcdef0123456789abcdef',
          'it has group billing',
          'vertex Source: KafkaSource',
        ],
      ],
    ],
  ],
  [
    'no_reporter',
    [
      ['none', {}, 'fine'],
      [
        'one, but the job does not run',
        { job: fakeJob({ state: 'FAILING' }), silent: [{ process: 'tm', host: 'h', why: 'w' }] },
        'fine',
      ],
      [
        'one',
        { silent: [{ process: 'container_1', host: 'node1', why: 'the port range is exhausted' }] },
        ['container_1 on node1: the port range is exhausted'],
      ],
    ],
  ],
  [
    'end_of_life',
    [
      ['no version', { job: fakeJob({ version: 'unknown' }) }, 'unknown'],
      ['a version to come', { job: fakeJob({ version: '3.1-SNAPSHOT' }), gauges: oneGauge }, 'fine'],
      ['the long-term version', { job: fakeJob({ version: '1.20.5' }), gauges: oneGauge }, 'fine'],
      [
        'the long-term version after its end',
        { job: fakeJob({ version: '1.20.5' }), gauges: oneGauge, now: Date.UTC(2027, 2, 25) },
        ['Flink 1.20.5: support of 1.20 ended on 2027-03-24'],
      ],
      [
        '1.2, which is not 1.20',
        { job: fakeJob({ version: '1.2.0' }) },
        ['Flink 1.2.0: support of 1.2 ended on 2019-08-22'],
      ],
      [
        'of a vendor',
        { job: fakeJob({ version: '1.13-vvr-4.0.7' }) },
        ['Flink 1.13-vvr-4.0.7: support of 1.13 ended on 2022-05-05'],
      ],
      [
        'the old consumer in 1.14',
        { job: fakeJob({ version: '1.14.6' }), gauges: fakeGauges({ generation: 'legacy' }), now: Date.UTC(2022, 0) },
        'fine',
      ],
      [
        'the old consumer in 1.20',
        { job: fakeJob({ version: '1.20.5' }), gauges: fakeGauges({ generation: 'legacy' }) },
        ['operator Source: o1 is a FlinkKafkaConsumer, deprecated since 1.14 and gone with Flink 2.0'],
      ],
    ],
  ],
  [
    'group_shared',
    [
      ['alone', { groups: ['g'] }, 'fine'],
      [
        'with another',
        { groups: ['g'], groupSharedWith: [{ group: 'g', label: 'other' }] },
        ['group g is also that of job other'],
      ],
    ],
  ],
  [
    'position_conflict',
    [
      ['no page', {}, 'unknown'],
      ['two operators', { gauges: fakeGauges({ operator: 'a', current: 1 }, { operator: 'b', current: 2 }) }, 'fine'],
      ['the same position', { gauges: fakeGauges({ subtask: 0, current: 1 }, { subtask: 1, current: 1 }) }, 'fine'],
      ['a sentinel', { gauges: fakeGauges({ subtask: 0, current: -1 }, { subtask: 1, current: 1 }) }, 'fine'],
      [
        'two subtasks',
        { gauges: fakeGauges({ subtask: 0, current: 10 }, { subtask: 1, current: 12, url: 'http://b' }) },
        [
          'partition 0 of orders by operator Source: o1: subtask 0 at 10 (http://10.0.0.2:9250), subtask 1 at 12 (http://b)',
        ],
      ],
    ],
  ],
  [
    'partition_unread',
    [
      ['all read', { gauges: fakeGauges({ partition: 0 }, { partition: 1 }), partitionsOf: () => 2 }, 'fine'],
      ['a page that is missing', { gauges: oneGauge, partitionsOf: () => 2, hasAllPages: false }, 'unknown'],
      ['a topic of two names', { gauges: oneGauge }, 'unknown'],
      [
        'a job that restarts',
        { gauges: oneGauge, partitionsOf: () => 9, job: fakeJob({ state: 'RESTARTING' }) },
        'fine',
      ],
      [
        'some not read',
        { gauges: fakeGauges({ partition: 1 }), partitionsOf: () => 3 },
        ['nobody reads 2 of 3 partitions of orders: 0 and 2'],
      ],
    ],
  ],
  [
    'name_not_unique',
    [
      ['alone', {}, 'fine'],
      [
        'with another',
        { job: fakeJob({ application: fakeApplication(7) }), namesakes: ['orders@application_1'] },
        [
          'this one is job 0123456789abcdef0123456789abcdef of application_1700000000000_0007, started 2026-11-29T23:00:00.000Z',
          'also running: orders@application_1',
        ],
      ],
    ],
  ],
])('%s', (kind, cases) => {
  it.each(cases)('with %s', (_, facts, expected) => {
    expect(judged(kind, facts)).toEqual(expected)
  })
})

function none(): JobCheckpoints {
  return { intervalMs: MINUTE, completed: 0, failed: 4, inProgress: 1, restored: 0 }
}

function off(): JobCheckpoints {
  return { completed: 0, failed: 0, inProgress: 0, restored: 0 }
}
