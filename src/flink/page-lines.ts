const LINE_FEED = 10
const CARRIAGE_RETURN = 13

export interface LineCutter {
  /** `chunk` may be written over afterwards: nothing of it is kept but a copy of a line's beginning. */
  push(chunk: Buffer): void
  /** Whether a line has begun that may be wanted and has no end yet. */
  isWithinLine(): boolean
}

export interface LineReader {
  /** A whole line is `buffer` from `start` to before `end`, without its end; valid during the call only. */
  line(buffer: Buffer, start: number, end: number): void
  /** Whether a line that begins so may be wanted: others are passed over without being kept. */
  mayWant(buffer: Buffer, start: number, end: number): boolean
  /** A line that may be wanted is longer than the cap; this is its beginning, the rest is passed over. */
  tooLong(beginning: Buffer): void
}

/** Cuts bytes into lines wherever the chunks end, without decoding or copying any that lies in one chunk. */
export function createLineCutter(mostLineBytes: number, reader: LineReader): LineCutter {
  let kept: Buffer[] = []
  let keptBytes = 0
  /** Within a line that nobody wants, or whose beginning was too long. */
  let isSkipping = false

  function give(buffer: Buffer, start: number, end: number): void {
    const last = end > start && buffer[end - 1] === CARRIAGE_RETURN ? end - 1 : end
    if (last - start > mostLineBytes) {
      if (reader.mayWant(buffer, start, last)) reader.tooLong(buffer.subarray(start, start + mostLineBytes))
    } else if (last > start) reader.line(buffer, start, last)
  }

  function keep(buffer: Buffer, start: number, end: number): void {
    const copy = Buffer.from(buffer.subarray(start, end))
    kept.push(copy)
    keptBytes += copy.length
    // Pieces that are small one by one must not cost more than they hold.
    if (kept.length >= 64) kept = [Buffer.concat(kept, keptBytes)]
    if (kept.length === 1 && !reader.mayWant(kept[0]!, 0, keptBytes)) skipRest()
    // One byte above the cap may still be the carriage return.
    else if (keptBytes > mostLineBytes + 1) {
      const beginning = Buffer.concat(kept, keptBytes)
      if (reader.mayWant(beginning, 0, keptBytes)) reader.tooLong(beginning)
      skipRest()
    }
  }

  function skipRest(): void {
    kept = []
    keptBytes = 0
    isSkipping = true
  }

  function finish(buffer: Buffer, end: number): void {
    if (!isSkipping) {
      const whole = Buffer.concat([...kept, buffer.subarray(0, end)], keptBytes + end)
      give(whole, 0, whole.length)
    }
    kept = []
    keptBytes = 0
    isSkipping = false
  }

  return {
    push: (chunk) => {
      let start = 0
      let end = chunk.indexOf(LINE_FEED)
      if (end !== -1 && (isSkipping || keptBytes > 0)) {
        finish(chunk, end)
        start = end + 1
        end = chunk.indexOf(LINE_FEED, start)
      }
      for (; end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
        give(chunk, start, end)
        start = end + 1
      }
      if (start < chunk.length && !isSkipping) keep(chunk, start, chunk.length)
    },
    isWithinLine: () => keptBytes > 0,
  }
}
