import { expect, it } from 'vitest'
import { foreignSchema } from '../../src/app/foreign-schema.ts'

it.each([
  [{ path: '/services', format: 'serverset', namespace: 'web' }, true],
  [{ path: '/services', format: 'serverset', namespace: 'web', endpoint: 'http' }, true],
  [{ path: '/', format: 'nerve', namespace: 'web' }, false],
  [{ path: 'services', format: 'nerve', namespace: 'web' }, false],
  [{ path: '/a//b', format: 'nerve', namespace: 'web' }, false],
  [{ path: '/services', format: 'thrift', namespace: 'web' }, false],
  [{ path: '/services', format: 'nerve', namespace: 'a/b' }, false],
  [{ path: '/services', format: 'nerve' }, false],
])('of %j the schema says %s', (entry, isRight) => {
  expect(foreignSchema.safeParse([entry]).success).toBe(isRight)
})
