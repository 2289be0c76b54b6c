import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FlinkRig } from './flink.ts'
import { flinkFacts, type Reader } from './flink-versions.ts'
import { inOrder } from './order.ts'

export interface RecordingOptions {
  readonly bootstrap: string
  readonly topics: readonly string[]
  /** Without one nothing is committed (KafkaSource), or by nobody's name (legacy). */
  readonly group?: string
  /** Default: KafkaSource, where it has metrics; else the legacy consumer. */
  readonly reader?: Reader
  /** Default 1. */
  readonly parallelism?: number
  /** Default `recording`. */
  readonly name?: string
  /** Default `recorded`. */
  readonly sourceName?: string
  /** Length of what is sent from the recorder to the task behind it. Default 4096. */
  readonly recordBytes?: number
}

/** Something in the way of every record: looked at for each, and open at first. */
interface Gate {
  open(): Promise<void>
  /** The next record that comes, of each subtask, is held until it opens. */
  close(): Promise<void>
  /** So many milliseconds for each record. */
  slow(ms: number): Promise<void>
}

/** Where a source stood, by what it handed on and not by its gauges. */
export interface RecordedPosition {
  readonly topic: string
  readonly partition: number
  /** Offset of the record after the last one that it handed on. */
  readonly next: bigint
  /** `restored`: from a checkpoint, and nothing was handed on since. */
  readonly by: 'given' | 'restored'
  readonly attempt: number
  /** Milliseconds since 1970 at which it was written down. */
  readonly at: number
  /** Milliseconds since 1970 at which this attempt of the subtask began. */
  readonly began: number
}

// What subtasks of one attempt may be apart. A JobManager that takes over counts attempts from 0 again, and needs longer
// than this to be there.
const togetherMs = 4_000

/** A job that writes down every record its source gives it, as it gets it. */
export interface Recording {
  readonly jobId: string
  readonly reader: Reader
  /**
   * In the chain of the source, behind where records are written down: closed it holds up the task of the source, and
   * with it its checkpoints, its mailbox and its polls.
   */
  readonly sourceGate: Gate
  /** In a task of its own behind the source: closed it puts back-pressure on the source, which holds a full buffer. */
  readonly sinkGate: Gate
  /** By topic and partition; partitions of which nothing was ever read are not among them. */
  positions(): Promise<readonly RecordedPosition[]>
}

/** Starts the recording job on `flink` and waits until it runs. Its files are gone with the rig. */
export async function startRecording(flink: FlinkRig, options: RecordingOptions): Promise<Recording> {
  const name = options.name ?? 'recording'
  const folder = join(flink.dir, `recording-${encodeURIComponent(name)}`)
  await mkdir(folder)
  const reader = options.reader ?? defaultReader(flink)
  const mainClass = reader === 'source' ? 'rig.RecordingSource' : 'rig.RecordingLegacy'
  const jobId = await flink.submitJar(mainClass, recordingArguments(folder, options))
  return recordingIn(folder, jobId, reader)
}

export function recordingArguments(folder: string, options: RecordingOptions): readonly string[] {
  const { bootstrap, topics, group, parallelism = 1, name = 'recording' } = options
  return [
    `folder=${folder}`,
    `bootstrap=${bootstrap}`,
    `topics=${topics.join(',')}`,
    ...(group === undefined ? [] : [`group=${group}`]),
    `parallelism=${parallelism}`,
    `name=${name}`,
    `source-name=${options.sourceName ?? 'recorded'}`,
    `record-bytes=${options.recordBytes ?? 4096}`,
  ]
}

/** The view of a recording job that somebody else started. */
export function recordingIn(folder: string, jobId: string, reader: Reader): Recording {
  return {
    jobId,
    reader,
    sourceGate: gateAt(join(folder, 'source-gate')),
    sinkGate: gateAt(join(folder, 'sink-gate')),
    positions: async () => {
      const files = (await readdir(folder)).filter((file) => file.endsWith('.tsv'))
      // On YARN a new attempt of the application runs the main method again, and its job begins anew.
      const lastRun = Math.max(...files.map(runOf))
      const own = files.filter((file) => runOf(file) === lastRun)
      const texts = await Promise.all(own.map((file) => readFile(join(folder, file), 'utf8')))
      return lastPositions(texts)
    },
  }
}

/** The last line of the last attempt for each partition; of one attempt what was given counts before what was restored. */
export function lastPositions(texts: readonly string[]): readonly RecordedPosition[] {
  const last = new Map<string, RecordedPosition>()
  // The end may be a line that is being written.
  for (const text of texts)
    for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
      const [by, topic = '', partition = '', offset = '', attempt = '', at = '', began = ''] = line.split('\t')
      if (by !== 'given' && by !== 'restored') continue
      const found = {
        topic,
        partition: Number(partition),
        next: BigInt(offset) + 1n,
        by,
        attempt: Number(attempt),
        at: Number(at),
        began: Number(began),
      } as const
      const key = `${topic}\t${partition}`
      if (isLater(found, last.get(key))) last.set(key, found)
    }
  return inOrder([...last.values()])
}

function runOf(file: string): number {
  return Number(file.split('-')[1])
}

function isLater(found: RecordedPosition, known: RecordedPosition | undefined): boolean {
  if (known === undefined) return true
  const together = found.attempt === known.attempt && Math.abs(found.began - known.began) < togetherMs
  if (!together) return found.began > known.began
  if (found.by !== known.by) return found.by === 'given'
  return found.at >= known.at
}

function defaultReader({ version }: FlinkRig): Reader {
  return flinkFacts(version).readers[0] ?? 'source'
}

function gateAt(file: string): Gate {
  // Renamed into place, so that a record never meets an empty file, which would be open.
  const say = async (text: string) => {
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
  }
  return { open: () => rm(file, { force: true }), close: () => say('closed'), slow: (ms) => say(String(ms)) }
}
