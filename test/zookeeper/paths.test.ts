import { describe, expect, it } from 'vitest'
import {
  childOf,
  isValidPath,
  isWithin,
  lineage,
  parentOf,
  withChroot,
  withoutChroot,
} from '../../src/zookeeper/paths.ts'

describe('paths of znodes', () => {
  it.each(['/', '/a', '/a/b', '/ü/日本', '/a.b/..c', '/a b'])('takes %j', (path) => {
    expect(isValidPath(path)).toBe(true)
  })

  it.each([
    '',
    'a',
    '/a/',
    '//',
    '/a//b',
    '/a/.',
    '/a/../b',
    '/a\u0000',
    '/a\n',
    '/a\u0085',
    '/\ud83d\ude00',
    '/\uffff',
  ])('refuses %j as the server does', (path) => {
    expect(isValidPath(path)).toBe(false)
  })

  it('goes up and down', () => {
    expect([parentOf('/a/b'), parentOf('/a'), parentOf('/')]).toEqual(['/a', '/', '/'])
    expect([childOf('/', 'a'), childOf('/a', 'b')]).toEqual(['/a', '/a/b'])
    expect(lineage('/a/b/c')).toEqual(['/a', '/a/b', '/a/b/c'])
    expect(lineage('/')).toEqual([])
  })

  it('does not take a longer name for a child', () => {
    expect([isWithin('/a', '/a'), isWithin('/a', '/a/b'), isWithin('/', '/x')]).toEqual([true, true, true])
    expect(isWithin('/a', '/ab')).toBe(false)
  })

  it('adds the chroot and takes it off again', () => {
    expect([withChroot('', '/a'), withChroot('/c', '/a'), withChroot('/c', '/')]).toEqual(['/a', '/c/a', '/c'])
    expect([withoutChroot('', '/a'), withoutChroot('/c', '/c/a'), withoutChroot('/c', '/c')]).toEqual(['/a', '/a', '/'])
    expect(withoutChroot('/c', '/cc')).toBeUndefined()
  })
})
