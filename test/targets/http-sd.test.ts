import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Target, TargetGroup } from '../../src/model/target.ts'
import type { FieldProblem } from '../../src/targets/field-problem.ts'
import { renderGroups } from '../../src/targets/http-sd.ts'
import { parseBatchItem } from '../../src/targets/registration-document.ts'
import { anyBody, anyIdentity } from './any-registration.ts'
import { whatPrometheusRefuses } from './prometheus-rules.ts'
import { registrations, target } from './samples.ts'

function bytesOf(targets: readonly Target[]): Uint8Array {
  return new TextEncoder().encode(`[${renderGroups(targets).text}]`)
}

function targetGroups(targets: readonly Target[]): readonly TargetGroup[] {
  return JSON.parse(`[${renderGroups(targets).text}]`)
}

it('gives a target its labels, and only those that are known', () => {
  const [plain] = targetGroups([target()])
  const [full] = targetGroups([
    target(
      {
        scheme: 'https',
        metricsPath: '/prom',
        params: { module: 'x' },
        labels: { team: 'a' },
        facts: {
          kind: 'flink-tm',
          applicationId: 'application_1_1',
          attempt: '2',
          containerId: 'c',
          flinkCluster: 'prod',
          flinkJob: 'orders',
          queue: 'q',
          user: 'u',
          version: '1.20.5',
        },
      },
      'lingering',
    ),
  ])

  expect(plain).toEqual({
    targets: ['10.0.0.7:9250'],
    labels: {
      __lagkeeper_incarnation__: '1',
      __meta_lagkeeper_app: 'orders',
      __meta_lagkeeper_instance: 'tm-1',
      __meta_lagkeeper_namespace: 'payments',
      __meta_lagkeeper_role: 'taskmanager',
      __meta_lagkeeper_state: 'listed',
      __metrics_path__: '/metrics',
      __scheme__: 'http',
    },
  })
  expect(full?.labels).toEqual({
    ...plain?.labels,
    __meta_lagkeeper_application_id: 'application_1_1',
    __meta_lagkeeper_attempt: '2',
    __meta_lagkeeper_container_id: 'c',
    __meta_lagkeeper_flink_cluster: 'prod',
    __meta_lagkeeper_flink_job: 'orders',
    __meta_lagkeeper_kind: 'flink-tm',
    __meta_lagkeeper_label_team: 'a',
    __meta_lagkeeper_queue: 'q',
    __meta_lagkeeper_state: 'lingering',
    __meta_lagkeeper_user: 'u',
    __meta_lagkeeper_version: '1.20.5',
    __metrics_path__: '/prom',
    __param_module: 'x',
    __scheme__: 'https',
  })
})

it('puts targets with equal labels into one group', () => {
  const groups = targetGroups([
    target({ address: '10.0.0.2:1', zone: 'b' }),
    target({ address: '10.0.0.1:1', zone: 'a' }),
    target({ instance: 'tm-0' }),
  ])

  expect(groups.map(({ targets }) => targets)).toEqual([['10.0.0.7:9250'], ['10.0.0.1:1', '10.0.0.2:1']])
})

it('gives the same bytes whatever the order is', () => {
  const targets = registrations(100).map((registration) => target(registration))

  expect(renderGroups(targets.toReversed()).text).toBe(renderGroups(targets).text)
})

it('leaves out what Prometheus would refuse, and says so', () => {
  const rendered = renderGroups([
    target(),
    target({ instance: 'a', address: '10.0.0.8:1/x' }),
    target({ instance: 'b', labels: { 'bad-name': 'x' } }),
    target({ instance: 'c', facts: { kind: 'x\ud800' } }),
  ])

  expect(rendered.targets).toBe(1)
  expect(rendered.quarantined.map(({ where }) => where.at(-1))).toEqual(['a', 'b', 'c'])
  expect(whatPrometheusRefuses(new TextEncoder().encode(`[${rendered.text}]`))).toEqual([])
})

it('never gives Prometheus what it refuses, whatever was registered', () => {
  let accepted = 0
  fc.assert(
    fc.property(fc.array(fc.tuple(anyIdentity(), anyBody()), { maxLength: 20 }), (items) => {
      const targets = items.flatMap(([identity, body], order): Target[] => {
        const problems: FieldProblem[] = []
        const item: unknown = JSON.parse(JSON.stringify({ ...identity, ...Object(body) }))
        const parsed = parseBatchItem(item, problems)
        expect(parsed === undefined).toBe(problems.length > 0)
        return parsed === undefined ? [] : [{ registration: parsed.registration, state: 'listed', order }]
      })
      accepted += targets.length

      expect(whatPrometheusRefuses(bytesOf(targets))).toEqual([])
      expect(renderGroups(targets).quarantined).toEqual([])
    }),
    { numRuns: 500 },
  )
  // Far below what any seed accepts: the property must not hold because nothing came through.
  expect(accepted).toBeGreaterThan(100)
})
