import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  decodeSaslAuthenticateRequest,
  decodeSaslAuthenticateResponse,
  encodeSaslAuthenticateRequest,
  encodeSaslAuthenticateResponse,
} from '../../src/kafka-wire/sasl-authenticate.ts'
import { bytes, int16, text } from './arbitraries.ts'

it.each([0, 1])('SaslAuthenticate v%i: both directions are read as they were written', (version) => {
  const response = { error: int16, bytes, sessionLifetimeMs: fc.maxSafeInteger() }
  const responses = fc.oneof(fc.record(response), fc.record({ ...response, errorMessage: text }))
  fc.assert(
    fc.property(bytes, responses, (token, value) => {
      const request = encodeSaslAuthenticateRequest(version, { bytes: token })
      const answer = encodeSaslAuthenticateResponse(version, value)

      expect(decodeSaslAuthenticateRequest(version, request)).toEqual({ bytes: token })
      expect(decodeSaslAuthenticateResponse(version, answer)).toEqual({
        ...value,
        sessionLifetimeMs: version >= 1 ? value.sessionLifetimeMs : 0,
      })
    }),
  )
})
