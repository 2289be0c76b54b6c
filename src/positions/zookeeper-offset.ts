/** What a znode with an offset says. */
export type ReadOffset =
  | { readonly kind: 'position'; readonly position: bigint }
  /** The consumer has registered the partition, and has no offset yet. */
  | { readonly kind: 'none' }
  /** `why` says what is there, for people. */
  | { readonly kind: 'nonsense'; readonly why: string }

const largest = 2n ** 63n - 1n
/** Longer than any number that a consumer would take. */
const maxBytes = 64
const shownBytes = 32

/**
 * Reads the data of `/consumers/<group>/offsets/<topic>/<partition>` as Kafka's old consumer does, which takes it for the
 * offset of the next record: a decimal number of 64 bits, without a blank before or behind it. It writes `-1` while it
 * has no offset, and takes it for none.
 *
 * @see kafka.consumer.ZookeeperConsumerConnector of Kafka 0.8 to 1.1
 */
export function readOffset(data: Buffer): ReadOffset {
  if (data.length > maxBytes) return { kind: 'nonsense', why: `${data.length} bytes` }
  const text = data.toString('latin1')
  if (!/^[+-]?\d+$/.test(text)) return { kind: 'nonsense', why: text === '' ? 'nothing' : shown(data) }
  const position = BigInt(text)
  if (position === -1n) return { kind: 'none' }
  return position < 0n || position > largest ? { kind: 'nonsense', why: shown(data) } : { kind: 'position', position }
}

/** In quotes, without anything that a terminal or a log would act on. */
function shown(data: Buffer): string {
  const start = data
    .subarray(0, shownBytes)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '?')
  return data.length > shownBytes ? `"${start}"… (${data.length} bytes)` : `"${start}"`
}
