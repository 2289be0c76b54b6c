import { securedKafka } from '../contract/kafka-secured.ts'

securedKafka('4.3.1')
