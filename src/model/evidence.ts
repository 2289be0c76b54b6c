/** Where an offset comes from: what `explain` prints. Times are monotonic milliseconds. */
export interface Evidence {
  /** `host:port` of a broker, or the URL of a page. */
  readonly from: string
  /** The request, such as `OffsetFetch`. */
  readonly api: string
  readonly version: number
  readonly correlation: number
  readonly sentAt: number
  readonly receivedAt: number
  /** Kafka's error code of the whole answer; 0 when it had none. */
  readonly code: number
}
