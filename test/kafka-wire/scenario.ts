/**
 * What the recorder makes on a broker before it records, and so what the golden frames must say. One broker, so every
 * leader is broker 1 and every leader epoch is 0.
 */
export const scenario = {
  brokerId: 1,
  /** Records by partition, all with `recordTimestampMs`. */
  topics: {
    orders: [7, 4, 0],
    payments: [5],
  },
  recordTimestampMs: 1_700_000_000_000,
  /** The log of payments-0 starts here, on brokers that can delete records. */
  paymentsStart: 2,
  /** Not a topic. */
  missing: 'missing',
  commits: [
    { group: 'billing', topic: 'orders', partition: 0, offset: 5, metadata: 'checkpoint 17' },
    { group: 'billing', topic: 'orders', partition: 1, offset: 4, metadata: '' },
    { group: 'billing', topic: 'payments', partition: 0, offset: 3, metadata: 'zürich' },
    { group: 'größe', topic: 'orders', partition: 0, offset: 1, metadata: '' },
  ],
  /** A classic group with one member that holds every partition of orders and commits nothing. */
  live: 'live',
  /** As `live`, on payments, in a group of type consumer (KIP-848) where the broker knows them. */
  modern: 'modern',
  /** A share group (KIP-932) with one member on orders that gave the first record back and accepted the next two. */
  sharing: 'sharing',
  /** An application of Kafka Streams (KIP-1071) that reads payments, and a topic of its own with one partition. */
  counting: 'counting',
  nobody: 'nobody',
  /** Of every request. */
  correlation: 1_234_567,
} as const

/** What was learnt by other means than our codecs. */
export interface RecordedFacts {
  readonly kafka: string
  readonly port: number
  /** From `meta.properties` of the broker. */
  readonly clusterId?: string
  /** By the topic tool of the broker, as it prints them: 22 characters of base64url. */
  readonly topicIds: Readonly<Record<string, string>>
  /** True where records of payments-0 were deleted. */
  readonly deletesRecords: boolean
  readonly hasModern: boolean
  /** True where share and streams groups are on by default, from 4.2. */
  readonly hasNewest?: boolean
}

/** One recorded exchange: whole frames without their length, in hex. */
export interface GoldenFrame {
  readonly api: string
  readonly version: number
  readonly request: string
  readonly response: string
}
