import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  decodeSaslHandshakeRequest,
  decodeSaslHandshakeResponse,
  encodeSaslHandshakeRequest,
  encodeSaslHandshakeResponse,
} from '../../src/kafka-wire/sasl-handshake.ts'
import { int16, text } from './arbitraries.ts'

it.each([0, 1])('SaslHandshake v%i: both directions are read as they were written', (version) => {
  fc.assert(
    fc.property(text, int16, fc.array(text), (mechanism, error, mechanisms) => {
      const request = encodeSaslHandshakeRequest(version, { mechanism })
      const response = encodeSaslHandshakeResponse(version, { error, mechanisms })

      expect(decodeSaslHandshakeRequest(version, request)).toEqual({ mechanism })
      expect(decodeSaslHandshakeResponse(version, response)).toEqual({ error, mechanisms })
    }),
  )
})
