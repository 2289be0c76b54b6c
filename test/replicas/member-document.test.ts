import { expect, it } from 'vitest'
import { decodeMember, encodeMember } from '../../src/replicas/member-document.ts'

const member = {
  id: 'a',
  url: 'https://10.0.0.1:10390/lagkeeper',
  version: '1.0.0',
  startedAt: '2027-01-01T00:00:00.000Z',
  secret: 's',
  holdMs: 6_666.7,
}

it('reads what it wrote, and what a later version adds', () => {
  expect(decodeMember('a', encodeMember(member))).toEqual(member)
  expect(decodeMember('a', Buffer.from(JSON.stringify({ ...member, more: { of: 'it' } })))).toEqual(member)
})

it.each([
  ['nothing', ''],
  ['no JSON', '{'],
  ['a list', '[]'],
  ['null', 'null'],
  ['another id', JSON.stringify({ ...member, id: 'b' })],
  ['no URL', JSON.stringify({ ...member, url: 'somewhere' })],
  ['a URL that is not of HTTP', JSON.stringify({ ...member, url: 'file:///etc/passwd' })],
  ['no secret', JSON.stringify({ ...member, secret: '' })],
  ['a time that is none', JSON.stringify({ ...member, holdMs: '5' })],
  ['a negative time', JSON.stringify({ ...member, holdMs: -1 })],
  ['a version that is no text', JSON.stringify({ ...member, version: 1 })],
])('does not understand %s', (_, text) => {
  expect(decodeMember('a', Buffer.from(text))).toBeUndefined()
})
