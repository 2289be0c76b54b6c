import { rm } from 'node:fs/promises'
import { createKafkaSources } from '../app/kafka-sources.ts'
import { packageVersion } from '../app/version.ts'
import { createClusterCollector } from '../collect/cluster-collector.ts'
import { silentObserver } from '../collect/observer.ts'
import type { CycleRead } from '../collect/snapshot-maker.ts'
import { formatDuration } from '../config/duration.ts'
import { createKafkaCluster } from '../kafka/cluster.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { createRecording, type RecordingWriter } from '../replay/write-recording.ts'
import { childSignal } from '../runtime/child-signal.ts'
import { ConfigError, describeError, InvariantError } from '../runtime/errors.ts'
import { silentLogger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import { together } from '../runtime/together.ts'
import type { Io } from './io.ts'
import { parseRecordArguments, type RecordArguments } from './record-arguments.ts'

const USAGE = `Usage: lagkeeper record --kafka.bootstrap=host:9092[,…] --output=FILE [options]

Keeps the offsets of a cluster as they are read: log starts, positions and log ends, cycle after cycle, in a compressed
file of which lagkeeper replay makes lags, statuses and alerts later. Ends at --for, at --max-size, or when interrupted.

  --output=FILE            a file that does not exist yet
  --kafka.bootstrap=LIST   brokers to ask first, host:port separated by commas
  --config.file=FILE       in its place: a cluster of the daemon's configuration, with its TLS, SASL and filters
  --kafka.cluster=NAME     which one, when the file has several
  --consumer=RE            only consumers whose whole name matches (RE2)
  --topic=RE               only topics whose whole name matches (RE2)
  --interval=DURATION      from cycle to cycle (default 15s)
  --for=DURATION           how long (default: until it is interrupted)
  --max-size=MIB           ends when the file is so large (default 1024)
  --timeout=SECONDS        how long one request may take (default 10)
  --help                   this text

Exit codes: 0 recorded, 2 wrong usage or FILE cannot be made, 3 the cluster could never be read, or the disk gave up.
`

/** `lagkeeper record`: keeps what the cycles of a cluster read. Returns the exit code. */
export async function recordCommand(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    io.stdout.write(USAGE)
    return 0
  }
  try {
    return await record(parseRecordArguments(argv, io), io)
  } catch (error) {
    if (error instanceof InvariantError) throw error
    const isUsage = error instanceof ConfigError
    io.stderr.write(`${describeError(error)}\n${isUsage ? '\nSee lagkeeper record --help\n' : ''}`)
    return isUsage ? 2 : 3
  }
}

async function record({ target, output, intervalMs, forMs, mostBytes }: RecordArguments, io: Io): Promise<number> {
  const { clock, kafkaCluster, keepTopic, old = { groups: [] } } = target
  const zero = clock.monotonic()
  const head = { kafkaCluster, intervalMs, startedAt: clock.wall(), recordedBy: packageVersion() }
  const recording = await createRecording(output, head, zero)
  const cluster = createKafkaCluster(target)
  const { sources, services } = createKafkaSources(
    { ...old, name: kafkaCluster, interval: intervalMs },
    { cluster, filters: target, clock, logger: silentLogger },
  )
  let read: CycleRead | undefined
  const collector = createClusterCollector({
    kafkaCluster,
    cluster,
    sources,
    keepTopic,
    intervalMs,
    noPosition: () => 'ignore',
    objectives: () => [],
    onRead: (one) => {
      read = one
    },
    clock,
    observer: silentObserver,
  })
  const over = childSignal(io.signal)
  const progress = createProgress(io, recording)
  let cycles = 0
  let failure: unknown

  /** A cycle that cannot be read leaves a gap; the first one must be read, or nobody would notice a wrong address. */
  async function cycle(signal: AbortSignal): Promise<void> {
    try {
      const snapshot = await collector.cycle(signal)
      if (read !== undefined) await recording.add(recorded(read, snapshot))
      progress(++cycles)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof InvariantError || cycles === 0) failure = error
      else if (isOfDisk(error)) failure = error
      else io.stderr.write(`${describeError(error)}\n`)
      if (failure !== undefined) over.abort()
    }
    const isTime = forMs !== undefined && clock.monotonic() - zero + intervalMs > forMs
    if (isTime || recording.bytes() >= mostBytes) over.abort()
  }

  try {
    await together(over.signal, [
      ...services.map(({ run }) => run),
      (signal) => poll({ intervalMs, clock }, signal, cycle),
    ])
  } finally {
    over.abort()
    cluster.close()
    await recording.close()
    // A second attempt shall not find a file without anything in it.
    if (cycles === 0) await rm(output, { force: true })
  }
  if (failure !== undefined) throw failure
  const lasted = formatDuration(Math.round((clock.monotonic() - zero) / 1_000) * 1_000)
  const why = recording.bytes() >= mostBytes ? ', ended by --max-size' : ''
  if (io.stderr.isTTY === true) io.stderr.write('\r\u001b[K')
  io.stderr.write(`${output}: ${cycles} cycles in ${lasted}, ${recording.bytes()} bytes${why}\n`)
  return 0
}

function recorded(read: CycleRead, snapshot: Snapshot) {
  const known = new Set(read.sources.flatMap(({ problems }) => problems))
  const problems = snapshot.problems.filter((problem) => !known.has(problem))
  const { cycle, takenAt, takenAtWall: wall } = snapshot
  return { ...read, cycle, takenAt, wall: Math.round(wall), problems }
}

/** Only the disk gives up with a code of the system. */
function isOfDisk(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function createProgress(io: Io, recording: RecordingWriter): (cycles: number) => void {
  return (cycles) => {
    if (io.stderr.isTTY === true) io.stderr.write(`\r${cycles} cycles, ${recording.bytes()} bytes `)
  }
}
