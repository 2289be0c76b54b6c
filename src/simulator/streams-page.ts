import { offsetNumber } from '../model/offsets.ts'
import type { DemoConsumer } from './demo-world.ts'
import type { KafkaState } from './kafka-state.ts'

/**
 * What an application of Kafka Streams shows by way of the Prometheus JMX agent: its client's lag of each partition, and
 * `process_start_time_seconds`, which the agent adds.
 */
export function streamsPage({ plan, reading }: DemoConsumer, state: KafkaState, startedAt: number): string {
  const client = `${plan.group}-0-StreamThread-1-consumer`
  const lags = reading.flatMap(({ topic, position }) =>
    Array.from(position, (at, partition) => {
      const end = state.topics.get(topic.name)?.end
      const lag = end === undefined ? 0 : Math.max(0, offsetNumber(end, partition) - at)
      return `kafka_consumer_fetch_manager_records_lag{client_id="${client}",partition="${partition}",topic="${topic.name}",} ${lag}.0`
    }),
  )
  const lines = [
    ...family('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.'),
    `process_start_time_seconds ${startedAt}.0`,
    ...family('kafka_streams_stream_metrics_alive_stream_threads', 'The current number of alive stream threads.'),
    `kafka_streams_stream_metrics_alive_stream_threads{client_id="${plan.group}-0",} 1.0`,
    ...family('kafka_consumer_fetch_manager_records_lag', 'The latest lag of the partition.'),
    ...lags,
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function family(name: string, help: string): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`]
}
