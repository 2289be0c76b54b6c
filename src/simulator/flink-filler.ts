import { filtered, host } from './flink-page-writer.ts'

/** What a Kafka client of today has for each of its instances, among others. */
const clientMetrics = [
  'bytes_consumed_rate',
  'commit_latency_avg',
  'connection_count',
  'fetch_latency_max',
  'fetch_size_avg',
  'heartbeat_rate',
  'incoming_byte_total',
  'io_wait_time_ns_avg',
  'join_rate',
  'network_io_total',
  'outgoing_byte_rate',
  'records_consumed_total',
  'request_latency_max',
  'sync_time_avg',
] as const

const perFamily = 12

/**
 * Makes the rest of a TaskManager's page: families that nobody here reads, as many as make up so many bytes. Pages of
 * small jobs have 650 kB.
 */
export function createFiller(bytes: number): (tmId: string) => Buffer {
  const templates = new Map<number, { readonly text: Buffer; readonly ids: readonly number[] }>()

  function templateOf(id: string) {
    const lines: string[] = []
    let size = 0
    for (let family = 0; size < bytes; family++) {
      const name = `flink_taskmanager_job_task_operator_KafkaSourceReader_KafkaConsumer_${clientMetrics[family % clientMetrics.length]}_${family}`
      const all = [`# HELP ${name} ${name} (scope: taskmanager_job_task_operator)`, `# TYPE ${name} gauge`]
      for (let sample = 0; sample < perFamily; sample++) all.push(`${name}${labels(id, sample)} ${family}.${sample}`)
      for (const line of all) size += line.length + 1
      lines.push(...all)
    }
    const text = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    const ids: number[] = []
    for (let at = text.indexOf(id); at !== -1; at = text.indexOf(id, at + id.length)) ids.push(at)
    return { text, ids }
  }

  return (tmId) => {
    const id = filtered(tmId)
    const template = templates.get(id.length) ?? templateOf(id)
    templates.set(id.length, template)
    const page = Buffer.from(template.text)
    for (const at of template.ids) page.write(id, at, 'latin1')
    return page
  }
}

function labels(id: string, sample: number): string {
  const hex = sample.toString(16).padStart(32, 'a')
  return `{job_id="${hex}",task_id="${hex}",task_attempt_id="${hex}_${hex}_${sample}_0",host="${host}",operator_id="${hex}",operator_name="Source:_orders_1_",task_name="Source:_orders_1_____Calc_2_",task_attempt_num="0",job_name="orders_etl_v1",tm_id="${id}",subtask_index="${sample}",}`
}
