import { unknownNames } from '../alerts/promql.ts'

/** Metrics that prom-client adds to ours. */
const ofTheProcess: readonly string[] = [
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_cpu_seconds_total',
  'process_open_fds',
  'process_max_fds',
  'nodejs_heap_size_used_bytes',
]

/** A label that queries make. */
const made = 'of'

/** What is wrong with the names in a query of a dashboard. */
export function unknownIn(query: string): readonly string[] {
  return unknownNames(query).filter((name) => name !== made && !ofTheProcess.includes(name))
}
