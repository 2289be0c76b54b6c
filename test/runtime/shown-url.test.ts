import { expect, it } from 'vitest'
import { shownUrl } from '../../src/runtime/shown-url.ts'

it.each([
  ['http://rm:8088', 'http://rm:8088'],
  ['http://bob:s3cret@rm:8088/gateway', 'http://rm:8088/gateway'],
  ['https://bob@rm', 'https://rm'],
  ['http://a:b@c@rm/x@y', 'http://rm/x@y'],
  ['http://rm/x@y', 'http://rm/x@y'],
  ['no url', 'no url'],
])('shows %j as %j', (text, shown) => {
  expect(shownUrl(text)).toBe(shown)
})
