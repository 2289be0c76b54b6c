import { describe, expect, it } from 'vitest'
import { apis, chooseVersion, readBody, writeBody } from '../../src/kafka-wire/apis.ts'
import { InvariantError } from '../../src/runtime/errors.ts'

describe('chooseVersion()', () => {
  it.each([
    ['our highest within the range of a new broker', apis.Metadata, 0, 13, 12],
    ['the highest below a limit that we do not have ourselves', apis.Metadata, 0, 9, 4],
    ['the only one of an old broker', apis.Metadata, 0, 0, 0],
    ['the one that is left above the minimum of a new broker', apis.ListOffsets, 1, 1, 1],
    ['none when the broker wants newer ones', apis.OffsetFetch, 9, 10, undefined],
    ['none when the broker has only one that we left out', apis.OffsetFetch, 0, 0, undefined],
  ])('takes %s', (_, api, min, max, expected) => {
    expect(chooseVersion(api, min, max)).toBe(expected)
  })
})

describe('the table of APIs', () => {
  it.each(Object.entries(apis))('%s stands under its own name with ascending versions', (name, api) => {
    expect(api.name).toBe(name)
    expect(api.versions).toEqual(api.versions.toSorted((a, b) => a - b))
  })

  it('makes no reader or writer for a version outside of it', () => {
    expect(() => readBody(apis.Metadata, 13, 'response', Buffer.alloc(0))).toThrow(InvariantError)
    expect(() => writeBody(apis.OffsetFetch, 0)).toThrow(
      new InvariantError('Use OffsetFetch v0: not spoken, expected v1 to v8'),
    )
  })
})
