/** Who keeps the position. Information, not identity: a migration must not break series. */
export type ConsumerKind = 'classic' | 'consumer' | 'share' | 'streams' | 'zookeeper' | 'flink'

/** Whatever reads topics and has positions. Identity: Kafka cluster + name. */
export interface Consumer {
  /** As printed: the group id, or `<flink cluster>/<job name>`; the empty group id is `(empty)`. */
  readonly name: string
  readonly kind: ConsumerKind
  /** The group id as Kafka has it, when there is one. Of a Flink job that owns several: all of them, with commas between. */
  readonly group?: string
  /** The group's state in Kafka's own words, such as `Stable` or `Empty`; absent when not known. */
  readonly state?: string
  /** Live members; absent when not known. */
  readonly members?: number
  /** It reads topics that we may not describe, nobody says which: a sum over what is known would be understated. */
  readonly partial?: true
  /** Flink jobs only: the id of the run that is there now. */
  readonly jobId?: string
  /** The application on YARN that it runs in. */
  readonly applicationId?: string
}

const EMPTY_GROUP = '(empty)'

/** The printed name of a group id. */
export function consumerName(group: string): string {
  return group === '' ? EMPTY_GROUP : group
}
