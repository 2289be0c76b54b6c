import { decodeConsumerAssignment } from '../../src/kafka-wire/consumer-assignment.ts'
import { decodeDescribeGroupsResponse } from '../../src/kafka-wire/describe-groups.ts'
import { decodeRequestHeader, decodeResponseHeader } from '../../src/kafka-wire/headers.ts'
import { DecodeError } from '../../src/runtime/errors.ts'
import { type Codec, codecs } from './codecs.ts'
import { type Golden, goldenFrames } from './golden-frames.ts'

/** One decoder and the whole frames that real brokers sent to it, or took from us. */
export interface Decoder {
  /** Such as `OffsetFetch v8 response`. */
  readonly name: string
  readonly frames: readonly Buffer[]
  decode(frame: Buffer): unknown
}

/** Every decoder there is, header included, with its golden frames. */
export function goldenDecoders(): readonly Decoder[] {
  const golden = goldenFrames()
  const found = codecs.flatMap((codec) =>
    codec.api.versions.flatMap((version) => {
      const mine = golden.filter((frame) => frame.api === codec.api.name && frame.version === version)
      return [responseDecoder(codec, version, mine), requestDecoder(codec, version, mine)]
    }),
  )
  return [...found, assignmentDecoder(golden)]
}

function responseDecoder(codec: Codec, version: number, golden: readonly Golden[]): Decoder {
  return {
    name: `${codec.api.name} v${version} response`,
    frames: golden.map(({ response }) => response),
    decode: (frame) => codec.decodeResponse(version, decodeResponseHeader(codec.api, version, frame).body),
  }
}

/** The header may come to name another API or version; the body is read as if it had not. */
function requestDecoder(codec: Codec, version: number, golden: readonly Golden[]): Decoder {
  return {
    name: `${codec.api.name} v${version} request`,
    frames: golden.map(({ request }) => request),
    decode: (frame) => codec.decodeRequest(version, decodeRequestHeader(frame).body),
  }
}

function assignmentDecoder(golden: readonly Golden[]): Decoder {
  const frames = golden
    .filter(({ api }) => api === 'DescribeGroups')
    .map(({ version, response }) => decodeDescribeGroupsResponse(version, response.subarray(version >= 5 ? 5 : 4)))
    .flatMap(({ groups }) => groups.flatMap(({ members }) => members.map(({ assignment }) => assignment)))
  return { name: 'consumer assignment', frames, decode: decodeAssignment }
}

/** Where others throw, this one has nothing to say. */
function decodeAssignment(bytes: Buffer): unknown {
  const assignment = decodeConsumerAssignment(bytes)
  if (assignment === undefined) throw new DecodeError('Read consumer assignment: not one')
  return assignment
}

/** True for a value, false for a DecodeError; whatever else is thrown comes out with the frame that did it. */
export function survives(decoder: Decoder, frame: Buffer): boolean {
  try {
    decoder.decode(frame)
    return true
  } catch (error) {
    if (error instanceof DecodeError) return false
    throw new Error(`${decoder.name} of ${frame.toString('hex')}: ${String(error)}`, { cause: error })
  }
}
