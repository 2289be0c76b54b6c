/** The members of one line. */
export type Fields = Readonly<Record<string, unknown>>

/** Reads the lines of JSON that a process left to the next, one by one: a head, one line for each thing, and how many lines. */
export interface KeptLines<T> {
  /** @returns what is wrong with the line, if anything is */
  take(text: string): string | undefined
  /** Undefined when the end is missing. */
  done(): T | undefined
}

export interface KeptLinesOptions<T> {
  /** What the head has as `lagkeeper`. */
  readonly kind: string
  readonly version: number
  /** The lines of another one are refused. */
  readonly kafkaCluster: string
  /** Takes what else the head has; says what is wrong with it. */
  readonly head: (fields: Fields) => string | undefined
  /** Takes one thing, and says what is wrong with it; false for a line that is none. */
  readonly line: (fields: Fields) => string | undefined | false
  readonly done: () => T
}

export function createKeptLines<T>({
  kind,
  version,
  kafkaCluster,
  head,
  line,
  done,
}: KeptLinesOptions<T>): KeptLines<T> {
  let lines = 0
  let isWhole = false

  function takeFields(fields: Fields): string | undefined {
    if (lines === 0) {
      if (fields['lagkeeper'] !== kind || fields['version'] !== version) return 'not of this kind'
      if (fields['kafka_cluster'] !== kafkaCluster) return `of Kafka cluster "${String(fields['kafka_cluster'])}"`
      return head(fields)
    }
    const wrong = line(fields)
    if (wrong !== false) return wrong
    if (fields['lines'] !== lines) return 'nothing that is known, and not the end'
    isWhole = true
    return undefined
  }

  return {
    take: (text) => {
      if (isWhole) return 'something behind the end'
      let fields: Fields
      try {
        fields = fieldsOf(JSON.parse(text))
      } catch {
        return 'not JSON'
      }
      const wrong = takeFields(fields)
      lines++
      return wrong
    },
    done: () => (isWhole ? done() : undefined),
  }
}

/** The members of an object; none of anything else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {}
}
