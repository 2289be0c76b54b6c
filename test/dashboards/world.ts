import { jobFamilies, lagFamilies, selfFamilies } from '../../src/exposition/families.ts'
import { jobStates } from '../../src/model/job-view.ts'
import { statuses } from '../../src/model/judgement.ts'
import { type ConsumerStory, consumerStories, HOUR, lagAt, MINUTE, topics } from './world-consumers.ts'
import { jobStories } from './world-jobs.ts'

type Labels = Readonly<Record<string, string>>
type Emit = (family: { readonly name: string }, labels: Labels, value: number | undefined) => void

/** What a Lagkeeper printed on its page, as far as the given moment of the story. */
export function pageOf(seconds: number, left: number, replica: number): readonly string[] {
  const page: string[] = []
  const emit: Emit = ({ name }, labels, value) => {
    if (value !== undefined && Number.isFinite(value)) page.push(`${name}${labelText(labels)} ${value}`)
  }
  tellLogs(emit, seconds)
  for (const story of consumerStories) tellConsumer(emit, story, seconds, left)
  tellJobs(emit, seconds, left)
  tellSelf(emit, seconds, left, replica)
  return page
}

/** What Prometheus says of itself. */
export function prometheusPageOf(left: number): readonly string[] {
  return [`prometheus_sd_refresh_failures_total{mechanism="http"} ${countSince(left, 50 * MINUTE, 30) + 2}`]
}

/** Ends begin where they would be, had records come in at this rate since 2025. */
function endAt(topic: string, partition: number, seconds: number): number {
  const { perSecond, partitions } = topics[topic]!
  return Math.floor(((seconds - 1_735_689_600) * perSecond) / partitions) + partition * 1_000
}

function tellLogs(emit: Emit, seconds: number): void {
  for (const [topic, { kafkaCluster, partitions, retention }] of Object.entries(topics))
    for (let partition = 0; partition < partitions; partition++) {
      const labels = { kafka_cluster: kafkaCluster, topic, partition: String(partition) }
      emit(lagFamilies.logStartOffset, labels, endAt(topic, partition, seconds - retention))
      emit(lagFamilies.logEndOffset, labels, endAt(topic, partition, seconds))
    }
}

function tellConsumer(emit: Emit, story: ConsumerStory, seconds: number, left: number): void {
  const { topic } = story
  const { kafkaCluster, partitions, perSecond, retention } = topics[topic]!
  const consumer = { kafka_cluster: kafkaCluster, consumer: story.consumer }
  const all = { ...consumer, topic }
  const isGone = story.goneSince !== undefined && left <= story.goneSince
  emit(lagFamilies.present, consumer, isGone ? 0 : 1)
  if (isGone) return
  const group = story.kind === 'flink' ? {} : { group: story.consumer }
  emit(lagFamilies.info, { ...consumer, kind: story.kind, ...group }, 1)
  const status = story.status(left)
  for (const each of statuses) emit(lagFamilies.status, { ...consumer, status: each }, each === status ? 1 : 0)
  const members = story.members?.(left)
  emit(lagFamilies.members, consumer, members)
  if (members !== undefined) emit(lagFamilies.groupState, { ...consumer, state: members === 0 ? 'Empty' : 'Stable' }, 1)

  const unknown = story.unknown?.(left)
  const missing = unknown === undefined ? 0 : 1
  emit(lagFamilies.partitions, { ...all, state: 'known' }, partitions - missing)
  if (unknown !== undefined) emit(lagFamilies.partitions, { ...all, state: unknown }, missing)
  const lag = lagAt(story, seconds, left)
  for (let partition = 0; partition < partitions - missing; partition++) {
    const share = Math.round((lag / partitions) * (partition === 0 ? 1.2 : 1 - 0.2 / (partitions - 1)))
    const labels = { ...all, partition: String(partition) }
    emit(lagFamilies.recordsLag, labels, share)
    emit(lagFamilies.position, labels, endAt(topic, partition, seconds) - share)
  }
  emit(lagFamilies.recordsLost, all, story.lost?.(left) ?? 0)
  emit(lagFamilies.rewinds, all, story.rewindAt !== undefined && left <= story.rewindAt ? 1 : 0)
  emit(lagFamilies.commitInterval, all, story.commits)
  const stood = story.standsSince === undefined ? 0 : Math.max(0, story.standsSince - left)
  emit(lagFamilies.positionChangedAt, all, seconds - stood - (seconds % story.commits))
  for (const { severity, owner, seconds: time, records } of story.objectives ?? []) {
    emit(lagFamilies.objectiveSeconds, { ...all, owner, severity }, time)
    emit(lagFamilies.objectiveRecords, { ...all, owner, severity }, records)
  }
  if (unknown !== undefined) return
  emit(lagFamilies.topicRecordsLag, all, Math.round(lag))
  emit(lagFamilies.totalRecordsLag, consumer, Math.round(lag))
  const timeLag = lag / perSecond
  const uncertainty = timeLag === 0 ? 0 : Math.min(timeLag, 4 + timeLag * 0.04)
  emit(lagFamilies.timeLag, all, timeLag)
  emit(lagFamilies.timeLagUncertainty, all, uncertainty)
  if (timeLag > 300) emit(lagFamilies.eventTimeLag, all, timeLag + 20)
  // Of five minutes, as the daemon takes them.
  const before = story.behind(left + 300) * perSecond
  const consumed = Math.max(0, perSecond - (story.behind(left) * perSecond - before) / 300)
  emit(lagFamilies.produceRate, all, perSecond)
  emit(lagFamilies.consumeRate, all, consumed)
  if (lag === 0) emit(lagFamilies.drain, all, 0)
  else if (consumed > perSecond * 1.01) emit(lagFamilies.drain, all, lag / (consumed - perSecond))
  if (lag === 0) return
  const headroom = Math.max(0, retention - timeLag)
  emit(lagFamilies.headroomSeconds, all, headroom)
  emit(lagFamilies.headroomRecords, all, Math.round((headroom * perSecond) / partitions))
}

function tellJobs(emit: Emit, seconds: number, left: number): void {
  for (const story of jobStories) {
    const job = { flink_cluster: story.flinkCluster, flink_job: story.job }
    const state = story.state(left)
    emit(
      jobFamilies.info,
      { ...job, version: story.version, job_id: `${story.job.length}f3a`, queue: 'root.streaming' },
      1,
    )
    for (const each of jobStates) emit(jobFamilies.state, { ...job, state: each }, each === state ? 1 : 0)
    emit(jobFamilies.expectedRunning, job, story.isExpected ? 1 : 0)
    emit(jobFamilies.present, job, state === 'unknown' ? undefined : state === 'gone' || state === 'finished' ? 0 : 1)
    emit(jobFamilies.restarts, job, story.restarts?.(left) ?? 0)
    emit(jobFamilies.checkpointsFailed, job, story.failed?.(left) ?? 0)
    for (const finding of story.findings ?? []) emit(jobFamilies.finding, { ...job, finding }, 1)
    const { checkpointEvery, checkpointStoppedAt } = story
    if (checkpointEvery !== undefined) {
      const stopped = checkpointStoppedAt === undefined ? 0 : Math.max(0, checkpointStoppedAt - left)
      emit(jobFamilies.lastCheckpoint, job, seconds - stopped - ((seconds + left / 7 - stopped) % checkpointEvery))
    }
    if (state !== 'running') continue
    emit(jobFamilies.backPressure, job, story.backPressure?.(left) ?? 0.02)
    emit(jobFamilies.watermarkLag, job, story.watermarkLag?.(left))
    const source = { ...job, vertex: `Source: ${story.topic}` }
    emit(jobFamilies.sourceRecordsLag, source, story.lag?.(left) ?? 10 + (seconds % 7))
    emit(jobFamilies.pendingRecords, source, story.pending?.(left) ?? 10 + (seconds % 7))
  }
}

function tellSelf(emit: Emit, seconds: number, left: number, replica: number): void {
  const wave = Math.sin(seconds / 700 + replica)
  emit(selfFamilies.buildInfo, { version: '0.1.0' }, 1)
  const sources = ['main', 'edge'].flatMap((name) =>
    ['kafka', 'kafka-groups'].map((source) => ({ source, name, fails: 0 })),
  )
  for (const { source, name, fails } of [
    ...sources,
    { source: 'yarn', name: 'prod', fails: 6 * MINUTE },
    { source: 'flink', name: 'prod', fails: 0 },
  ]) {
    const since = Math.max(0, fails - left)
    emit(selfFamilies.sourceUp, { source, name }, since > 0 ? 0 : 1)
    emit(selfFamilies.sourceLastSuccess, { source, name }, seconds - since - ((seconds + left / 60) % 15))
  }
  emit(
    selfFamilies.sourceErrors,
    { source: 'kafka-groups', name: 'main', reason: 'unauthorized' },
    (6 * HOUR - left) / 30,
  )
  emit(selfFamilies.sourceErrors, { source: 'yarn', name: 'prod', reason: 'timeout' }, countSince(left, 6 * MINUTE, 15))
  for (const [name, base] of [
    ['main', 0.42],
    ['edge', 0.11],
  ] as const) {
    emit(selfFamilies.cycleDuration, { kafka_cluster: name }, base * (1 + 0.2 * wave))
    emit(selfFamilies.cycleInterval, { kafka_cluster: name }, 15)
    for (const [api, share] of [
      ['ListOffsets', 3],
      ['OffsetFetch', 2],
      ['Metadata', 1],
      ['DescribeGroups', 1],
    ] as const)
      emit(selfFamilies.kafkaRequests, { kafka_cluster: name, api }, Math.floor(((6 * HOUR - left) * share) / 15))
    for (const family of Object.values(lagFamilies)) {
      const count = family.level === 'partition' ? 21 : family.level === 'topic' ? 9 : 8
      emit(
        selfFamilies.series,
        { kafka_cluster: name, family: family.name },
        name === 'main' ? count : Math.ceil(count / 4),
      )
    }
    emit(
      selfFamilies.seriesDropped,
      { kafka_cluster: name, reason: 'kafka_cluster_limit' },
      name === 'main' && left < HOUR ? 12 : 0,
    )
  }
  emit(selfFamilies.jobSeriesDropped, {}, 0)
  const lost = left < 75 * MINUTE && left > 60 * MINUTE ? 22 : 0
  for (const [state, count] of Object.entries({
    listed: 64 - lost,
    lingering: left % 1500 < 200 ? 2 : 0,
    held: lost,
    quarantined: 1,
  }))
    emit(selfFamilies.targets, { state }, count)
  emit(
    selfFamilies.registryLastSync,
    {},
    seconds - ((seconds + left / 60) % 10) - (replica === 1 && left < 30 * MINUTE && left > 27 * MINUTE ? 140 : 0),
  )
  emit(selfFamilies.registryRejected, { field: 'address' }, countSince(left, 2 * HOUR, 240))
  emit(selfFamilies.registryRejected, { field: 'labels' }, countSince(left, 40 * MINUTE, 300))
  for (const [outcome, every] of [
    ['alive', 900],
    ['gone', 420],
    ['unverified', 2400],
  ] as const)
    emit(selfFamilies.registryLeasesEnded, { outcome }, countSince(left, 6 * HOUR, every))
  emit(selfFamilies.registryPathBytes, { kind: 'used' }, 48_000 + 3_000 * wave)
  emit(selfFamilies.registryPathBytes, { kind: 'limit' }, 512_000)
  emit(selfFamilies.registryExpiries, {}, replica === 1 && left < 75 * MINUTE ? 1 : 0)
  emit(selfFamilies.replicas, {}, 2)
  emit(selfFamilies.peerDecodeErrors, { peer: 'broker 3' }, countSince(left, 100 * MINUTE, 600))
  emit(selfFamilies.configReloadSuccessful, {}, replica === 1 && left < 20 * MINUTE ? 0 : 1)
  emit(selfFamilies.configReloadedAt, {}, seconds - left - 5 * HOUR)
  emit(
    selfFamilies.eventLoopDelay,
    {},
    0.255 + 0.02 * Math.abs(wave) + (left > 58 * MINUTE && left < 60 * MINUTE ? 0.4 : 0),
  )
  // Those of prom-client.
  emit({ name: 'process_start_time_seconds' }, {}, seconds + left - 30 * HOUR - replica * HOUR)
  emit({ name: 'process_resident_memory_bytes' }, {}, 142e6 + 9e6 * wave)
  emit({ name: 'nodejs_heap_size_used_bytes' }, {}, 61e6 + 7e6 * wave)
  emit({ name: 'process_cpu_seconds_total' }, {}, (6 * HOUR - left) * 0.031 + 2 * wave + 4)
  emit({ name: 'process_open_fds' }, {}, 58 + Math.round(3 * wave))
  emit({ name: 'process_max_fds' }, {}, 1_024)
}

/** How many times something has happened that began so long before the end and comes every so many seconds. */
function countSince(left: number, began: number, every: number): number {
  return Math.max(0, Math.floor((began - left) / every))
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}
