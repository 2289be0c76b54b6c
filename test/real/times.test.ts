import { describeKafkaTimes } from '../contract/kafka-times.ts'
import { realTimes } from '../rigs/kafka-times.ts'
import { isAtLeast } from '../rigs/version.ts'

// What the simulated times are measured against: the same suite on real brokers. More of them in test/matrix.
for (const version of ['4.3.1', '1.1.1'])
  describeKafkaTimes(
    `Times of records of a real Kafka ${version}`,
    { bySearch: true, isModern: true, hasFormats: !isAtLeast(version, '3.0') },
    () => realTimes(version),
  )
