import { z } from 'zod'
import { foreignFamily } from '../compare/names.ts'
import { type OurLog, type OurNumbers, type OurRow, partitionKey } from '../compare/ours.ts'
import { createPageReader, type PageResult } from '../compare/page.ts'
import { lagFamilies } from '../exposition/families.ts'
import { lagRows } from '../model/lag-row.ts'
import { offsetNumber } from '../model/offsets.ts'
import { KNOWN } from '../model/reason.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { ConfigError, UnavailableError } from '../runtime/errors.ts'
import { type GetLimits, getText, shownUrl } from './compare-http.ts'

/** A sample takes half a kilobyte here. */
const MOST_SAMPLES = 1_000_000
const MOST_ROWS = 1_000_000
const ROWS_AT_ONCE = 10_000

/** What to look at, and for how long. */
export interface ReadOptions extends GetLimits {
  readonly consumer: Filter
  readonly topic: Filter
}

interface Filter {
  /** As given; absent when everything fits. */
  readonly text: string | undefined
  readonly fits: (name: string) => boolean
}

/**
 * What the other exporter shows of what has a counterpart here.
 *
 * @throws UnavailableError when there is no whole page, or one with more than a million such samples
 */
export async function readTheirPage(url: URL, options: ReadOptions, signal: AbortSignal): Promise<PageResult> {
  const { consumer, topic } = options
  const reader = createPageReader(
    (name) => foreignFamily(name) !== undefined,
    MOST_SAMPLES,
    ({ name, labels }) => {
      const family = foreignFamily(name)
      const isFit = (filter: Filter, label: string | undefined): boolean =>
        label === undefined || filter.text === undefined || filter.fits(labels.get(label) ?? '')
      return isFit(consumer, family?.consumer) && isFit(topic, family?.topic)
    },
  )
  await getText(url, options, signal, reader.push)
  const page = reader.end()
  if (page.isCut)
    throw new UnavailableError(
      `Read ${shownUrl(url)}: more than ${MOST_SAMPLES} samples, expected less; choose some with --consumer or --topic`,
    )
  return page
}

const answer = z.object({
  rows: z.array(
    z.object({
      kafka_cluster: z.string(),
      consumer: z.string(),
      kind: z.string(),
      topic: z.string(),
      partition: z.number(),
      position: z.number().optional(),
      log_start_offset: z.number().optional(),
      log_end_offset: z.number().optional(),
      records_lag: z.number().optional(),
      reason: z.string().optional(),
    }),
  ),
  problems: z.array(z.object({ reason: z.string(), message: z.string(), consumer: z.string().optional() })),
  next: z.string(),
})

/**
 * Reads a running daemon: rows with their reasons from its API, log offsets and members from its page.
 *
 * @throws UnavailableError when it does not answer, ConfigError when it has several Kafka clusters and none is named
 */
export async function readDaemon(
  daemon: URL,
  wanted: string | undefined,
  options: ReadOptions,
  signal: AbortSignal,
): Promise<OurNumbers> {
  const rows: OurRow[] = []
  const clusters = new Set<string>()
  const problems: OurNumbers['problems'][number][] = []
  const cluster = wanted === undefined ? {} : { kafka_cluster: wanted }
  const filters = { consumer_re: options.consumer.text ?? '', topic_re: options.topic.text ?? '' }
  for (let after = ''; ; ) {
    const url = at(daemon, '/api/v1/consumers', { ...cluster, ...filters, limit: String(ROWS_AT_ONCE), after })
    const page = parseAnswer(url, await wholeText(url, options, signal))
    for (const row of page.rows) {
      clusters.add(row.kafka_cluster)
      rows.push({
        consumer: row.consumer,
        kind: row.kind,
        topic: row.topic,
        partition: row.partition,
        ...(row.position === undefined ? {} : { position: row.position }),
        ...(row.log_start_offset === undefined ? {} : { logStart: row.log_start_offset }),
        ...(row.log_end_offset === undefined ? {} : { logEnd: row.log_end_offset }),
        ...(row.records_lag === undefined ? {} : { lag: row.records_lag }),
        ...(row.reason === undefined ? {} : { reason: row.reason }),
      })
    }
    for (const { reason, message, consumer } of page.problems)
      problems.push({ reason, message, ...(consumer === undefined ? {} : { consumer }) })
    if (clusters.size > 1)
      throw new ConfigError([`--kafka.cluster: missing, expected one of ${[...clusters].sort().join(', ')}`])
    if (page.next === '') break
    if (rows.length > MOST_ROWS)
      throw new UnavailableError(
        `Read ${shownUrl(url)}: more than ${MOST_ROWS} rows, expected less; choose some with --consumer or --topic`,
      )
    after = page.next
  }
  const [kafkaCluster = wanted ?? ''] = clusters
  const { logs, members } = await readOurPage(daemon, { kafka_cluster: kafkaCluster }, options, signal)
  // A limit of the page may leave log offsets out; rows have theirs all the same.
  for (const { topic, partition, logStart, logEnd } of rows) {
    const key = partitionKey(topic, partition)
    if (logs.has(key)) continue
    logs.set(key, {
      topic,
      ...(logStart === undefined ? {} : { start: logStart }),
      ...(logEnd === undefined ? {} : { end: logEnd }),
    })
  }
  return { kafkaCluster, rows, problems, logs, members }
}

const ourNames: ReadonlySet<string> = new Set([
  lagFamilies.logStartOffset.name,
  lagFamilies.logEndOffset.name,
  lagFamilies.members.name,
  lagFamilies.present.name,
])

async function readOurPage(
  daemon: URL,
  cluster: Readonly<Record<string, string>>,
  limits: GetLimits,
  signal: AbortSignal,
): Promise<{ logs: Map<string, OurLog>; members: Map<string, number | undefined> }> {
  const reader = createPageReader((name) => ourNames.has(name), MOST_SAMPLES)
  await getText(at(daemon, '/metrics', { ...cluster, names: 'lagkeeper' }), limits, signal, reader.push)
  const logs = new Map<string, OurLog>()
  const members = new Map<string, number | undefined>()
  for (const { name, labels, value } of reader.end().samples) {
    const consumer = labels.get('consumer') ?? ''
    const topic = labels.get('topic') ?? ''
    if (name === lagFamilies.members.name) members.set(consumer, value)
    else if (name === lagFamilies.present.name) members.set(consumer, members.get(consumer))
    else {
      const key = partitionKey(topic, Number(labels.get('partition')))
      const side = name === lagFamilies.logStartOffset.name ? { start: value } : { end: value }
      logs.set(key, { topic, ...logs.get(key), ...side })
    }
  }
  return { logs, members }
}

/** The same from a snapshot that was read from Kafka itself. */
export function fromSnapshot(snapshot: Snapshot): OurNumbers {
  const { catalog, starts, ends } = snapshot
  const logs = new Map<string, OurLog>()
  for (const { name, partitions, firstRow } of catalog.topics) {
    for (let partition = 0; partition < partitions; partition++) {
      const row = firstRow + partition
      logs.set(partitionKey(name, partition), {
        topic: name,
        ...(starts.reason[row] === KNOWN ? { start: offsetNumber(starts.offset, row) } : {}),
        ...(ends.reason[row] === KNOWN ? { end: offsetNumber(ends.offset, row) } : {}),
      })
    }
  }
  return {
    kafkaCluster: snapshot.kafkaCluster,
    rows: Array.from(lagRows(snapshot), ({ consumer, kind, topic, partition, reason, ...row }) => ({
      consumer,
      kind,
      topic,
      partition,
      ...(row.position === undefined ? {} : { position: Number(row.position) }),
      ...(row.logStartOffset === undefined ? {} : { logStart: Number(row.logStartOffset) }),
      ...(row.logEndOffset === undefined ? {} : { logEnd: Number(row.logEndOffset) }),
      ...(row.recordsLag === undefined ? {} : { lag: Number(row.recordsLag) }),
      ...(reason === undefined ? {} : { reason }),
    })),
    logs,
    members: new Map(snapshot.consumers.map(({ consumer }) => [consumer.name, consumer.members])),
    problems: snapshot.problems,
  }
}

function at(base: URL, path: string, query: Readonly<Record<string, string>>): URL {
  const url = new URL(base)
  url.pathname = `${base.pathname.replace(/\/$/, '')}${path}`
  for (const [name, value] of Object.entries(query)) if (value !== '') url.searchParams.set(name, value)
  return url
}

async function wholeText(url: URL, limits: GetLimits, signal: AbortSignal): Promise<string> {
  const pieces: string[] = []
  await getText(url, limits, signal, (text) => pieces.push(text))
  return pieces.join('')
}

function parseAnswer(url: URL, text: string): z.output<typeof answer> {
  try {
    return answer.parse(JSON.parse(text))
  } catch (error) {
    const why = error instanceof SyntaxError ? 'no JSON' : 'another JSON'
    throw new UnavailableError(`Read ${shownUrl(url)}: ${why}, expected what Lagkeeper answers`)
  }
}
