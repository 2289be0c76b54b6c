import { expect, it } from 'vitest'
import { z } from 'zod'
import { flinkClustersFit, flinkSchema, kafkaClusterOf } from '../../src/app/flink-schema.ts'
import { applicationFilter, yarnSchema } from '../../src/app/yarn-schema.ts'
import { besideOthers } from '../../src/config/rules.ts'

const whole = z
  .looseObject({ flink: flinkSchema.optional(), yarn: yarnSchema.optional() })
  .superRefine(flinkClustersFit, besideOthers)

function problems(schema: z.core.$ZodType, value: unknown): readonly string[] {
  const result = z.safeParse(schema, value)
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

it('fills in the defaults of a Flink cluster', () => {
  expect(flinkSchema.parse([{ name: 'dev', rest: 'http://jobmanager:8081/' }])).toMatchObject([
    {
      name: 'dev',
      rest: ['http://jobmanager:8081'],
      kafka_clusters: {},
      zone: 'default',
      interval: 10_000,
      request_timeout: 5_000,
    },
  ])
})

it('reads everything that can be said of a Flink cluster', () => {
  const [one] = flinkSchema.parse([
    {
      name: 'dev',
      rest: ['https://jm1:8081', 'https://jm2:8081/flink/'],
      reporter_ports: '9249,9260-9262',
      kafka_cluster: 'main',
      kafka_clusters: { west: 'main' },
      zone: 'dmz',
      interval: '30s',
      request_timeout: '2s',
      tls: { insecure_skip_verify: true },
    },
  ])

  expect(one).toMatchObject({
    rest: ['https://jm1:8081', 'https://jm2:8081/flink'],
    reporter_ports: [9249, 9260, 9261, 9262],
    interval: 30_000,
  })
})

it('fills in the defaults of a YARN cluster, whose applications are those of Flink', () => {
  const [one] = yarnSchema.parse([{ name: 'prod', resource_managers: ['http://rm1:8088', 'http://rm2:8088'] }])

  expect(one?.resource_managers).toHaveLength(2)
  expect(applicationFilter(one!.applications)).toEqual({ types: ['Apache Flink'], queues: [], users: [], tags: [] })
})

it.each([
  [flinkSchema, [{ name: 'dev', rest: 'jobmanager:8081' }], ['0.rest.0: expected a URL such as']],
  [flinkSchema, [{ name: 'a b', rest: 'http://j:1' }], ['0.name: expected 1 to 63']],
  [flinkSchema, [{ name: 'a', rest: [] }], ['0.rest: Too small']],
  [flinkSchema, [{ name: 'a', rest: 'http://j:1', reporter_ports: '9260-9250' }], ['0.reporter_ports: expected ports']],
  [
    flinkSchema,
    [
      { name: 'a', rest: 'http://j:1' },
      { name: 'a', rest: 'http://k:1' },
    ],
    ['1.name: given twice'],
  ],
  [yarnSchema, [{ name: 'a', resource_managers: ['http://rm:8088'], auth: {} }], ['0.auth: expected one of']],
  [
    yarnSchema,
    [{ name: 'a', resource_managers: ['http://rm:8088'], auth: { user: 'me', command: ['x'] } }],
    ['0.auth.command: expected one of'],
  ],
  [yarnSchema, [{ name: 'a', resource_managers: 'http://rm:8088' }], ['0.resource_managers: Invalid input']],
  [
    whole,
    {
      kafka: [{ name: 'main' }],
      flink: [
        { name: 'a', rest: 'http://j:1', kafka_cluster: 'other', kafka_clusters: { west: 'main', east: 'none' } },
      ],
      yarn: [{ name: 'a', resource_managers: ['http://rm:8088'] }],
    },
    [
      'flink.0.kafka_cluster: expected the name of an entry of "kafka"',
      'flink.0.kafka_clusters.east: expected the name of an entry of "kafka"',
      'yarn.0.name: given in "flink" too',
    ],
  ],
] as const)('says what is wrong (%#)', (schema, value, expected) => {
  const found = problems(schema, value)

  expect(found).toHaveLength(expected.length)
  for (const [at, text] of expected.entries()) expect(found[at]).toContain(text)
})

it('knows which Kafka cluster a job means, and never guesses', () => {
  const none = { kafka_cluster: undefined, kafka_clusters: {} }
  expect(kafkaClusterOf(none, undefined, ['main'])).toBe('main')
  expect(kafkaClusterOf(none, undefined, ['main', 'other'])).toBeUndefined()
  expect(kafkaClusterOf(none, 'main', ['main', 'other'])).toBe('main')
  expect(kafkaClusterOf(none, 'west', ['main'])).toBeUndefined()
  const some = { kafka_cluster: 'other', kafka_clusters: { west: 'main' } }
  expect(kafkaClusterOf(some, undefined, ['main', 'other'])).toBe('other')
  expect(kafkaClusterOf(some, 'west', ['main', 'other'])).toBe('main')
  expect(kafkaClusterOf(some, 'east', ['main', 'other'])).toBeUndefined()
})
