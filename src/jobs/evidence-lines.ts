const MOST_LINES = 20
const LONGEST = 300

/** Lines of evidence, not more and not longer than somebody reads. */
export function evidenceLines(lines: readonly string[]): readonly string[] {
  const shown = lines.slice(0, MOST_LINES).map(shortened)
  return lines.length > MOST_LINES ? [...shown, `and ${lines.length - MOST_LINES} more`] : shown
}

export function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** `one`, `one and two`, `one, two and three`; at most five by name. */
export function inList(names: readonly string[]): string {
  const shown = names.length > 5 ? [...names.slice(0, 4), `${names.length - 4} more`] : names
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

/** A topic with its Kafka cluster, where the page tells it. */
export function topicName(topic: string, kafkaCluster: string | undefined): string {
  return kafkaCluster === undefined ? topic : `${topic} (Kafka cluster ${kafkaCluster})`
}

/** A moment of the wall clock for people, also one that is none: it was read from a peer. */
export function moment(wallMs: number): string {
  return Math.abs(wallMs) <= 8.64e15 ? new Date(wallMs).toISOString() : `${wallMs} ms`
}
