import { describeKafkaTimes } from '../contract/kafka-times.ts'
import { realTimes } from '../rigs/kafka-times.ts'
import { isAtLeast } from '../rigs/version.ts'

// The versions between those of test/real/times.test.ts: each with other versions of the messages, or of the format.
for (const version of ['0.10.2.2', '0.11.0.3', '2.8.2', '3.9.2'])
  describeKafkaTimes(
    `Times of records of a real Kafka ${version}`,
    { bySearch: true, isModern: isAtLeast(version, '0.11'), hasFormats: !isAtLeast(version, '3.0') },
    () => realTimes(version),
  )
