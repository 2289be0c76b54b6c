import { writeNumber, writeText } from './digits.ts'

const CHUNK = 256 * 1024
/** Room that a line needs behind its label text: a partition, the closing bracket, a value of any size, the line end. */
const TAIL = 384
const [QUOTE, BRACKET, BLANK, NEWLINE] = [34, 125, 32, 10] as const

/**
 * Bytes of a page in chunks. Label text is encoded once and copied for every line, digits are written by hand: a line
 * costs a fifth of a microsecond that way, and several as strings. A class, because closures made anew for each page
 * would be compiled anew for each page.
 */
export class PageWriter {
  #bytes = new Uint8Array(CHUNK)
  #at = 0
  #scratch = new Uint8Array(1024)
  #label = this.#scratch.subarray(0, 0)
  #lines = 0

  /** How many lines with a value were written since the last call. */
  takeLines(): number {
    const lines = this.#lines
    this.#lines = 0
    return lines
  }

  text(text: string): void {
    this.#makeRoom(text.length * 3)
    this.#at = writeText(this.#bytes, this.#at, text)
  }

  /** What the lines from now on begin with. A lone surrogate becomes U+FFFD: Prometheus drops a page that is not UTF-8. */
  label(text: string): void {
    if (text.length * 3 > this.#scratch.length) this.#scratch = new Uint8Array(text.length * 3)
    this.#label = this.#scratch.subarray(0, writeText(this.#scratch, 0, text))
  }

  /** False when the chunk must be taken before the next line is written. */
  fits(): boolean {
    return this.#at + this.#label.length + TAIL <= CHUNK || this.#at === 0
  }

  /** The label text and a number from 0 up. */
  line(value: number): void {
    this.#makeRoom(this.#label.length)
    this.#bytes.set(this.#label, this.#at)
    this.#close(writeNumber(this.#bytes, this.#at + this.#label.length, value))
  }

  /** The label text, which ends inside the quotes of the partition; the partition; the value. */
  partitionLine(partition: number, value: number): void {
    const to = this.#open(partition)
    this.#close(writeNumber(this.#bytes, to, value))
  }

  /** As `partitionLine`, for an offset above 2^53, which a number cannot hold. */
  exactPartitionLine(partition: number, value: bigint): void {
    const to = this.#open(partition)
    this.#close(writeText(this.#bytes, to, value.toString()))
  }

  /** What was written since the last call, in pieces of at most 256 KiB that are never written again; at least one. */
  *take(): Generator<Uint8Array, void> {
    const written = this.#bytes.subarray(0, this.#at)
    if (this.#at > 0) this.#bytes = new Uint8Array(CHUNK)
    this.#at = 0
    for (let from = 0; from < Math.max(1, written.length); from += CHUNK) yield written.subarray(from, from + CHUNK)
  }

  #makeRoom(length: number): void {
    if (this.#at + length + TAIL <= this.#bytes.length) return
    const larger = new Uint8Array(this.#at + length + TAIL)
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
  }

  /** Label text and partition, up to the value; returns the index behind them. */
  #open(partition: number): number {
    this.#makeRoom(this.#label.length)
    this.#bytes.set(this.#label, this.#at)
    const to = writeNumber(this.#bytes, this.#at + this.#label.length, partition)
    this.#bytes[to] = QUOTE
    this.#bytes[to + 1] = BRACKET
    this.#bytes[to + 2] = BLANK
    return to + 3
  }

  #close(to: number): void {
    this.#bytes[to] = NEWLINE
    this.#at = to + 1
    this.#lines++
  }
}
