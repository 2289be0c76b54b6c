const QUOTE = 34
const COMMA = 44
const EQUALS = 61
const BACKSLASH = 92
const CLOSING_BRACE = 125
const SPACE = 32
const TAB = 9

/** The labels of a line that say whose gauge it is, and of what; absent when the line has no such label. */
export interface Labels {
  tmId: string | undefined
  jobId: string | undefined
  jobName: string | undefined
  taskId: string | undefined
  operatorId: string | undefined
  operatorName: string | undefined
  subtask: string | undefined
  attempt: string | undefined
  topic: string | undefined
  partition: string | undefined
  kafkaCluster: string | undefined
}

const wanted: ReadonlyMap<string, keyof Labels> = new Map([
  ['tm_id', 'tmId'],
  ['job_id', 'jobId'],
  ['job_name', 'jobName'],
  ['task_id', 'taskId'],
  ['operator_id', 'operatorId'],
  ['operator_name', 'operatorName'],
  ['subtask_index', 'subtask'],
  ['task_attempt_num', 'attempt'],
  ['topic', 'topic'],
  ['partition', 'partition'],
  ['kafkaCluster', 'kafkaCluster'],
])

export function noLabels(): Labels {
  return {
    tmId: undefined,
    jobId: undefined,
    jobName: undefined,
    taskId: undefined,
    operatorId: undefined,
    operatorName: undefined,
    subtask: undefined,
    attempt: undefined,
    topic: undefined,
    partition: undefined,
    kafkaCluster: undefined,
  }
}

/**
 * Reads labels in any order into `labels`, with or without a comma behind the last; those that we have no use for are
 * stepped over without being decoded.
 *
 * @param start behind the opening brace
 * @returns where the line goes on behind the closing brace, or -1 when these are no labels
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function readLabels(line: Buffer, start: number, labels: Labels): number {
  let at = start
  while (at < line.length) {
    at = skipBlanks(line, at)
    if (line[at] === CLOSING_BRACE) return at + 1
    const equals = line.indexOf(EQUALS, at)
    if (equals === -1) return -1
    const key = wanted.get(line.toString('latin1', at, equals).trimEnd())
    const opening = skipBlanks(line, equals + 1)
    if (line[opening] !== QUOTE) return -1
    const closing = closingQuote(line, opening + 1)
    if (closing === -1) return -1
    if (key !== undefined) labels[key] = withoutEscapes(line.toString('utf8', opening + 1, closing))
    at = skipBlanks(line, closing + 1)
    if (line[at] === COMMA) at++
    else if (line[at] !== CLOSING_BRACE) return -1
  }
  return -1
}

function skipBlanks(line: Buffer, start: number): number {
  let at = start
  while (line[at] === SPACE || line[at] === TAB) at++
  return at
}

/** The first quote that is not escaped; an even number of backslashes before it escape each other. */
function closingQuote(line: Buffer, start: number): number {
  for (let at = line.indexOf(QUOTE, start); at !== -1; at = line.indexOf(QUOTE, at + 1)) {
    let before = at - 1
    while (before >= start && line[before] === BACKSLASH) before--
    if ((at - 1 - before) % 2 === 0) return at
  }
  return -1
}

function withoutEscapes(text: string): string {
  return text.includes('\\')
    ? text.replaceAll(/\\([\\"n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
    : text
}
