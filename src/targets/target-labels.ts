import type { ReporterFacts } from '../model/registration.ts'
import type { Target } from '../model/target.ts'
import { isLabelName, isPlainText } from './plain-text.ts'

const factLabels: readonly (readonly [keyof ReporterFacts, string])[] = [
  ['kind', '__meta_lagkeeper_kind'],
  ['applicationId', '__meta_lagkeeper_application_id'],
  ['attempt', '__meta_lagkeeper_attempt'],
  ['containerId', '__meta_lagkeeper_container_id'],
  ['flinkCluster', '__meta_lagkeeper_flink_cluster'],
  ['flinkJob', '__meta_lagkeeper_flink_job'],
  ['queue', '__meta_lagkeeper_queue'],
  ['user', '__meta_lagkeeper_user'],
  ['version', '__meta_lagkeeper_version'],
]

/**
 * The labels of a target in http_sd, in a fixed order. `__meta_*` ones are gone after relabelling; `__scheme__`,
 * `__metrics_path__` and `__param_*` steer the scrape; `__lagkeeper_incarnation__` is part of what makes a target the
 * same, so that a new life is a new scrape loop.
 */
export function targetLabels({ registration, state }: Target): readonly (readonly [string, string])[] {
  const { facts, labels, params } = registration
  const found: (readonly [string, string])[] = [
    ['__lagkeeper_incarnation__', registration.incarnation],
    ['__meta_lagkeeper_app', registration.app],
    ['__meta_lagkeeper_instance', registration.instance],
    ['__meta_lagkeeper_namespace', registration.namespace],
    ['__meta_lagkeeper_role', registration.role],
    ['__meta_lagkeeper_state', state],
  ]
  for (const [fact, name] of factLabels) {
    const value = facts[fact]
    if (value !== undefined) found.push([name, value])
  }
  for (const name in labels) found.push([`__meta_lagkeeper_label_${name}`, labels[name]!])
  found.push(['__metrics_path__', registration.metricsPath])
  for (const name in params) found.push([`__param_${name}`, params[name]!])
  found.push(['__scheme__', registration.scheme])
  return found
}

/** Why Prometheus would refuse a target, or the whole list because of it; undefined when it would not. */
export function refusedBecause({ registration }: Target): string | undefined {
  const { address, labels, params, facts, namespace, app, role, instance, incarnation, metricsPath } = registration
  if (!/^[^\s/]+:\d{1,5}$/.test(address)) return `address "${address}" is not host:port`
  for (const name in labels) if (!isLabelName(`_${name}`)) return `"${name}" cannot be part of a label name`
  for (const name in params) if (!isLabelName(`_${name}`)) return `"${name}" cannot be part of a label name`
  const own = [namespace, app, role, instance, incarnation, metricsPath]
  const texts = [own, Object.values(labels), Object.values(params), Object.values(facts)]
  for (const values of texts) for (const value of values) if (!isPlainText(value)) return 'a label is not plain text'
  return undefined
}
