import { describe } from 'vitest'
import { isOld, kafkaMatrix, matrixName } from './kafka-versions.ts'
import { modernKafka } from './kafka-versions-modern.ts'
import { oldKafka } from './kafka-versions-old.ts'

// One row after the other; `-t '3.9.1, ZooKeeper'` runs one of them. Each writes what it found to results.json.
describe.each(kafkaMatrix.map((row) => [matrixName(row), row] as const))('Kafka %s:', (_, row) => {
  if (isOld(row)) oldKafka(row)
  else modernKafka(row)
})
