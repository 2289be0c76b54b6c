import { describe, expect, it } from 'vitest'
import { decodeApiVersionsResponse, encodeApiVersionsRequest } from '../../src/kafka-wire/api-versions.ts'
import { apis } from '../../src/kafka-wire/apis.ts'
import { errorCodes } from '../../src/kafka-wire/error-codes.ts'
import { decodeResponseHeader, encodeRequestHeader } from '../../src/kafka-wire/headers.ts'
import { encodeMetadataRequest } from '../../src/kafka-wire/metadata.ts'
import { Writer } from '../../src/kafka-wire/writer.ts'
import { realRanges } from '../../src/simulator/kafka-versions.ts'
import { openKafkaSocket } from './kafka-socket.ts'
import type { World } from './kafka-world.ts'

export function connectionContract(world: World): void {
  const { line } = world
  const hasApiVersions = realRanges[line].ApiVersions !== undefined
  const first = () => world.kafka().bootstrap[0] ?? ''

  describe('connections', () => {
    if (hasApiVersions)
      it('advertise the ranges of their line', async () => {
        const answer = decodeApiVersionsResponse(0, await world.ask('ApiVersions', 0, encodeApiVersionsRequest(0)))

        expect(answer.error).toBe(0)
        const ours = Object.values(apis).flatMap(({ key, name }) =>
          answer.ranges.filter((range) => range.key === key).map(({ min, max }) => [name, [min, max]]),
        )
        expect(Object.fromEntries(ours)).toEqual(world.kafka().ranges)
      })

    if (hasApiVersions)
      it('answer ApiVersions of the future in its oldest form, with the error', async () => {
        await using socket = await openKafkaSocket(first())
        socket.send(encodeRequestHeader(apis.ApiVersions, 99, 1))

        const { body } = decodeResponseHeader(apis.ApiVersions, 0, await socket.frame())
        // Brokers before KIP-511 (2.4) send no ranges with it.
        expect(decodeApiVersionsResponse(0, body).error).toBe(errorCodes.UNSUPPORTED_VERSION)
      })

    it('answer pipelined requests in their order', async () => {
      await using socket = await openKafkaSocket(first())
      for (const correlation of [5, 3, 9])
        socket.send(encodeRequestHeader(apis.Metadata, 0, correlation), encodeMetadataRequest(0, {}))

      const answers = [await socket.frame(), await socket.frame(), await socket.frame()]

      expect(answers.map((frame) => decodeResponseHeader(apis.Metadata, 0, frame).correlation)).toEqual([5, 3, 9])
    })

    if (line !== '0.9')
      it('end at an API that no broker knows', async () => {
        await using socket = await openKafkaSocket(first())
        socket.send(unknownRequest())

        await socket.closed
      })

    if (line === '0.9')
      it('stay open and silent at an API that the broker does not know', async () => {
        await using socket = await openKafkaSocket(first())
        socket.send(unknownRequest())

        await expect(socket.frame(300)).rejects.toThrow('no answer')
      })

    it('end at a request that breaks off', async () => {
      await using socket = await openKafkaSocket(first())
      socket.send(encodeRequestHeader(apis.Metadata, 0, 1), Buffer.from([0, 0, 0, 2, 0]))

      await socket.closed
    })
  })
}

function unknownRequest(): Buffer {
  const writer = new Writer()
  writer.int16(999)
  writer.int16(0)
  writer.int32(1)
  writer.string('lagkeeper')
  return writer.finish()
}
