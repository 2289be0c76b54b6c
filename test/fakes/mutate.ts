/** Damages frames in ways that a broken or hostile peer might, the same way for the same seed. */
export interface Mutator {
  readonly seed: number
  /** A damaged copy of one of the frames; parts of the others may find their way into it. */
  mutate(frames: readonly Buffer[]): Buffer
}

/** `LAGKEEPER_SEED` when it is set, so that a failure can be run again; else a random one. */
export function chooseSeed(): number {
  const given = process.env['LAGKEEPER_SEED']
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given) >>> 0
}

/** Each frame gets one to three of: bit flips, truncation, a lying length, insertion, removal, repetition, a splice. */
export function createMutator(seed: number): Mutator {
  const random = createRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <T>(from: readonly [T, ...T[]] | readonly T[]): T | undefined => from[below(from.length)]

  const damages: readonly ((frame: Buffer, other: Buffer) => Buffer)[] = [
    (frame) => flipBits(frame, 1 + below(8)),
    (frame) => frame.subarray(0, below(frame.length + 1)),
    (frame) => overwrite(frame, pick(lyingLengths) ?? Buffer.alloc(0)),
    (frame) => overwrite(frame, pick(lyingLengths) ?? Buffer.alloc(0)),
    (frame) => insert(frame, randomBytes(1 + below(16))),
    (frame) => insert(frame, pick(lyingLengths) ?? Buffer.alloc(0)),
    (frame) => remove(frame, 1 + below(8)),
    (frame) => insert(frame, part(frame)),
    (frame, other) => Buffer.concat([frame.subarray(0, below(frame.length + 1)), part(other)]),
  ]

  function randomBytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => below(256)))
  }

  function part(frame: Buffer): Buffer {
    const start = below(frame.length + 1)
    return frame.subarray(start, start + below(frame.length - start + 1))
  }

  function flipBits(frame: Buffer, count: number): Buffer {
    const copy = Buffer.from(frame)
    for (let flip = 0; flip < count && copy.length > 0; flip++) {
      const at = below(copy.length)
      copy.writeUInt8(copy.readUInt8(at) ^ (1 << below(8)), at)
    }
    return copy
  }

  function overwrite(frame: Buffer, bytes: Buffer): Buffer {
    const copy = Buffer.from(frame)
    bytes.copy(copy, below(Math.max(1, frame.length - bytes.length + 1)))
    return copy
  }

  function insert(frame: Buffer, bytes: Buffer): Buffer {
    const at = below(frame.length + 1)
    return Buffer.concat([frame.subarray(0, at), bytes, frame.subarray(at)])
  }

  function remove(frame: Buffer, length: number): Buffer {
    const at = below(frame.length + 1)
    return Buffer.concat([frame.subarray(0, at), frame.subarray(at + length)])
  }

  return {
    seed,
    mutate(frames) {
      let frame = Buffer.from(pick(frames) ?? Buffer.alloc(0))
      for (let round = 1 + below(3); round > 0; round--) {
        const damage = pick(damages)
        if (damage !== undefined) frame = Buffer.from(damage(frame, pick(frames) ?? frame))
      }
      return frame
    },
  }
}

/** Lengths and counts that lie, in the encodings of Kafka and ZooKeeper: int16, int32 and unsigned varint. */
const lyingLengths: readonly Buffer[] = [
  '00',
  '01',
  '7f',
  '0000',
  'ffff',
  '7fff',
  '8000',
  '00000000',
  '00000001',
  'ffffffff',
  'fffffffe',
  '7fffffff',
  '80000000',
  '0000ffff',
  '00ffffff',
  'ffffffff07',
  'ffffffff0f',
  'ffffffffff',
  '8080808001',
  '8080808080808080',
].map((hex) => Buffer.from(hex, 'hex'))

/** Numbers from 0 to below 1 (mulberry32): small, fast and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
