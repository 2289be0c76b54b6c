import { seededRandom } from '../../src/simulator/random.ts'

/** How one consumer and its topic behave, by the second. All functions are pure; seconds may be negative: the past. */
export interface Behaviour {
  /** Records a second into each partition. */
  readonly produced: (second: number) => number
  /** Most records a second that it reads of each partition; no limit when absent. */
  readonly speed?: (second: number) => number
  /** Always when absent. A consumer that starts again goes on from its commit. */
  readonly isRunning?: (second: number) => boolean
  /** A checkpoint begins every so many seconds, and its offsets are committed when it is complete. */
  readonly checkpoint: { readonly everySeconds: number; readonly takesSeconds: number }
  /** Whether a checkpoint that begins now ever completes. Always when absent. */
  readonly completes?: (second: number) => boolean
  /** Records older than this are deleted. */
  readonly retentionSeconds?: number
  /** At this second somebody sets its offset back by so many records. */
  readonly rewind?: { readonly at: number; readonly records: number }
  /** At this second its topic is deleted and made anew; the consumer begins anew `noticesAfter` seconds later, if ever. */
  readonly recreate?: { readonly at: number; readonly noticesAfter?: number }
  /** It was so many records behind when the past began. */
  readonly behind?: number
  /** Records come in transactions: a marker follows those of a second, and nobody ever reads it. */
  readonly isTransactional?: boolean
}

/** Offsets by the second, from second 0 on. */
export interface Track {
  /** Log ends of the seconds before second 0, the oldest first. */
  readonly past: Float64Array
  readonly start: Float64Array
  readonly end: Float64Array
  readonly committed: Float64Array
  readonly isRunning: Uint8Array
  /** How often the topic has been made anew. */
  readonly life: Uint8Array
}

/** Everything began so many seconds before second 0, so that nothing is new at second 0. */
const PAST_SECONDS = 3 * 3_600
const MARKER = 1
const FIRST_OFFSET = 5_000_000
/** Around the given rate, drawn for each second. */
const NOISE = 0.2

/** Plays a behaviour through. The same seed gives the same track. */
export function playTrack(behaviour: Behaviour, seconds: number, seed: number): Track {
  const { produced, checkpoint, recreate, rewind, retentionSeconds, isRunning = () => true } = behaviour
  const random = seededRandom(seed)
  const track: Track = {
    past: new Float64Array(PAST_SECONDS),
    start: new Float64Array(seconds),
    end: new Float64Array(seconds),
    committed: new Float64Array(seconds),
    isRunning: new Uint8Array(seconds),
    life: new Uint8Array(seconds),
  }
  const ends: number[] = []
  let end = FIRST_OFFSET
  let start = 0
  let position = end - (behaviour.behind ?? 0)
  let committed = position
  let pending: { readonly at: number; readonly offset: number } | undefined
  let wasRunning = true
  let life = 0

  for (let second = -PAST_SECONDS; second < seconds; second++) {
    if (second === recreate?.at) {
      end = 0
      start = 0
      ends.length = 0
      life++
      position = Number.POSITIVE_INFINITY
    }
    const records = produced(second) * (1 + NOISE * (2 * random() - 1))
    end += behaviour.isTransactional === true && records > 0 ? Math.round(records) + MARKER : records
    const readable = behaviour.isTransactional === true ? end - MARKER : end
    ends.push(end)
    if (retentionSeconds !== undefined)
      start = Math.max(start, Math.floor(ends[ends.length - 1 - retentionSeconds] ?? 0))
    if (second === rewind?.at) {
      position = Math.floor(committed - rewind.records)
      committed = position
      pending = undefined
    }
    const runs = isRunning(second)
    if (runs && !wasRunning) position = committed
    if (recreate?.noticesAfter !== undefined && second === recreate.at + recreate.noticesAfter) position = 0
    if (runs && Number.isFinite(position)) {
      position = Math.min(readable, Math.max(start, position) + (behaviour.speed?.(second) ?? Number.POSITIVE_INFINITY))
      const begins = second % checkpoint.everySeconds === 0 && (behaviour.completes?.(second) ?? true)
      if (begins) pending = { at: second + checkpoint.takesSeconds, offset: Math.floor(position) }
    }
    if (!runs || !Number.isFinite(position)) pending = undefined
    else if (second === pending?.at) committed = pending.offset
    wasRunning = runs
    if (second < 0) {
      track.past[second + PAST_SECONDS] = Math.floor(end)
      continue
    }
    track.start[second] = start
    track.end[second] = Math.floor(end)
    track.committed[second] = committed
    track.isRunning[second] = runs ? 1 : 0
    track.life[second] = life
  }
  return track
}
