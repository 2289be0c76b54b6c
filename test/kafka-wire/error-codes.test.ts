import { expect, it } from 'vitest'
import { errorCodes, errorName } from '../../src/kafka-wire/error-codes.ts'

it.each([
  [-1, 'UNKNOWN_SERVER_ERROR'],
  [0, 'NONE'],
  [16, 'NOT_COORDINATOR'],
  [30, 'GROUP_AUTHORIZATION_FAILED'],
  [99, 'POSITION_OUT_OF_RANGE'],
  [133, 'SHARE_SESSION_LIMIT_REACHED'],
  [9999, 'ERROR_9999'],
])('errorName(%i) is %s', (code, name) => {
  expect(errorName(code)).toBe(name)
})

it('errorCodes has no gap and no code twice', () => {
  const codes = Object.values(errorCodes).toSorted((a, b) => a - b)

  expect(codes).toEqual(Array.from({ length: 135 }, (_, index) => index - 1))
})
