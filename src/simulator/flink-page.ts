import type { FlinkCluster } from './flink-cluster.ts'
import { writeJobManager } from './flink-page-jobmanager.ts'
import { writeTaskManager } from './flink-page-taskmanager.ts'
import { createPageWriter, filtered, host, type PageWriter } from './flink-page-writer.ts'
import type { FlinkProcess } from './flink-process.ts'

/**
 * What the reporter of a process answers, in the words of 1.20 and 2.x: the families that lag and health are judged by.
 * What `name[]` asks for is a part of it.
 */
export function flinkPage(
  process: FlinkProcess,
  cluster: FlinkCluster,
  now: number,
  names: readonly string[] = [],
): string {
  const page = createPageWriter(names)
  if (process.kind === 'jobmanager') writeJobManager(page, cluster, now)
  else writeTaskManager(page, process, cluster)
  writeJvm(page, process, now)
  return page.text()
}

function writeJvm(page: PageWriter, { kind, id, startedAt }: FlinkProcess, now: number): void {
  const labels = kind === 'jobmanager' ? { host } : { host, tm_id: filtered(id) }
  const seconds = Math.max(0, Math.floor((now - startedAt) / 1_000))
  const jvm = `${kind}_Status_JVM`
  page.flink(`${jvm}_CPU`, 'Load', [[labels, 0.02 + (seconds % 5) / 100]])
  page.flink(`${jvm}_CPU`, 'Time', [[labels, seconds * 2e7]])
  page.flink(`${jvm}_Memory_Heap`, 'Used', [[labels, 90e6 + ((seconds * 1.7e6) % 110e6)]])
  page.flink(`${jvm}_Memory_Heap`, 'Max', [[labels, 469_762_048]])
  page.flink(`${jvm}_Threads`, 'Count', [[labels, 61]])
}
