/** The uids of all dashboards: alerts and other dashboards link to them, so they stay. */
export const uids = {
  fleet: 'lagkeeper-fleet',
  consumer: 'lagkeeper-consumer',
  flinkJobs: 'lagkeeper-flink-jobs',
  discovery: 'lagkeeper-discovery',
  self: 'lagkeeper-self',
} as const

/** A link of a panel or a cell. */
export interface Link {
  readonly title: string
  readonly url: string
}

/** `${expression}`, which Grafana fills in. */
export function filled(expression: string): string {
  return `\${${expression}}`
}

/** The value that a field has in the row of the cell that was clicked. */
function field(name: string): string {
  return filled(`__data.fields["${name}"]:percentencode`)
}

/** To another dashboard: the same Prometheus, the same time, and variables taken from fields of the row. */
export function toDashboard(title: string, uid: string, variables: Readonly<Record<string, string>>): Link {
  const set = Object.entries(variables).map(([variable, value]) => `&var-${variable}=${value}`)
  return { title, url: `/d/${uid}?${filled('datasource:queryparam')}${set.join('')}&${filled('__url_time_range')}` }
}

export const toConsumer: Link = toDashboard('Consumer', uids.consumer, {
  kafka_cluster: field('kafka_cluster'),
  consumer: field('consumer'),
})

export const toConsumerOnTopic: Link = toDashboard('Consumer, on this topic', uids.consumer, {
  kafka_cluster: field('kafka_cluster'),
  consumer: field('consumer'),
  topic: field('topic'),
})

/** The lag of a Flink job is that of a consumer called after both of its names. */
export const toConsumerOfJob: Link = toDashboard('Its lag, as a consumer', uids.consumer, {
  consumer: `${field('flink_cluster')}%2F${field('flink_job')}`,
})

export const toJob: Link = toDashboard('This job only', uids.flinkJobs, {
  flink_cluster: field('flink_cluster'),
  flink_job: field('flink_job'),
})

/** An answer of Lagkeeper itself, with parameters taken from variables or fields. */
export function toLagkeeper(title: string, path: string, query: Readonly<Record<string, string>>): Link {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${value}`)
  return { title, url: `${filled('lagkeeper_url:raw')}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}` }
}

export const explainRow: Link = toLagkeeper('Explain these numbers', '/api/v1/explain', {
  kafka_cluster: field('kafka_cluster'),
  consumer: filled('consumer:percentencode'),
  topic: field('topic'),
  partition: field('partition'),
})

export const jobPage: Link = toLagkeeper('What Lagkeeper knows of it', '/jobs', {
  flink_cluster: field('flink_cluster'),
  flink_job: field('flink_job'),
})

export const allRows: Link = toLagkeeper('All partitions, as JSON', '/api/v1/consumers', {
  consumer: filled('consumer:percentencode'),
})
