import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createListScanner, type Scanned } from '../../src/yarn/list-scanner.ts'

/** The elements, the bytes being handed over in pieces of this size. */
function scan(text: string, size = text.length): readonly Scanned[] {
  const bytes = Buffer.from(text)
  const scanner = createListScanner('apps', 'app')
  const found: Scanned[] = []
  for (let at = 0; at < bytes.length; at += size) found.push(...scanner.feed(bytes.subarray(at, at + size)))
  scanner.end()
  return found
}

function texts(text: string, size?: number): readonly unknown[] {
  return scan(text, size).map((one) => ('text' in one ? JSON.parse(one.text) : one))
}

describe('createListScanner() finds the elements', () => {
  it.each([
    ['nothing in an object', '{"apps":{}}', []],
    ['nothing in null', '{"apps":null}', []],
    ['nothing in an empty list', '{"apps":{"app":[]}}', []],
    ['nothing in a list that is null', '{"apps":{"app":null}}', []],
    ['one in a list', '{"apps":{"app":[{"id":1}]}}', [{ id: 1 }]],
    ['one that stands alone', '{"apps":{"app":{"id":1}}}', [{ id: 1 }]],
    [
      'all of a key that is repeated',
      '{"apps":{"app":{"id":1},"app":[{"id":2}],"app":{"id":3}}}',
      [{ id: 1 }, { id: 2 }, { id: 3 }],
    ],
    [
      'what stands between other keys',
      '{"x":{"app":[{"no":1}]},"apps":{"more":[{"no":2}],"app":[{"id":1}],"y":{"app":{}}},"z":[[]]}',
      [{ id: 1 }],
    ],
    [
      'with blanks anywhere',
      ' {\n"apps"\t: { "app" : [ { "id" : 1 } , { "id" : 2 } ] } } \r\n',
      [{ id: 1 }, { id: 2 }],
    ],
    [
      'with brackets, quotes and keys inside texts',
      '{"apps":{"app":[{"name":"}]\\"],\\"app\\":[{","x":"\\\\"},{"ü":"{"}]}}',
      [{ name: '}]"],"app":[{', x: '\\' }, { ü: '{' }],
    ],
    [
      'with lists of the same name inside',
      '{"apps":{"app":[{"apps":{"app":[{"id":2}]}}]}}',
      [{ apps: { app: [{ id: 2 }] } }],
    ],
    [
      'with repeated keys and 2^63 inside',
      '{"apps":{"app":[{"m":{"entry":{"a":1},"entry":{"b":9223372036854775807}}}]}}',
      [{ m: { entry: { b: 2 ** 63 } } }],
    ],
  ])('%s', (_, text, expected) => {
    for (const size of [1, 2, 3, 7, text.length]) expect(texts(text, size)).toEqual(expected)
  })

  it('whatever they hold and wherever the pieces end', () => {
    const element = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(fc.array(element, { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), (list, size) => {
        const text = JSON.stringify({ before: list, apps: { app: list }, after: { app: list } })
        expect(texts(text, size)).toEqual(JSON.parse(JSON.stringify(list)))
      }),
    )
  })
})

describe('createListScanner() refuses', () => {
  it.each([
    ['a text', 'There is no active RM right now.', /no JSON object/],
    ['a list', '[{"apps":{}}]', /no JSON object/],
    ['nothing', '', /the end is missing/],
    ['half a list', '{"apps":{"app":[{"id":1},{"id":2}', /the end is missing/],
    ['half a text', '{"apps":{"app":[{"id":"', /the end is missing/],
    ['two answers', '{"apps":{}}{"apps":{}}', /behind the end/],
    ['brackets that do not match', '{"apps":{"app":[{"id":1]}}}', /do not match/],
    ['brackets without end', `{"apps":${'['.repeat(100)}`, /nested deeper/],
    ['an exception', '{"RemoteException":{"message":"apps"}}', /no "apps" in it/],
    ['an empty object', '{}', /no "apps" in it/],
  ])('%s', (_, text, expected) => {
    expect(() => scan(text)).toThrow(expected)
    expect(() => scan(text, 1)).toThrow(expected)
  })
})

it('createListScanner() leaves out an element that is too long, or no object, and keeps its neighbours', () => {
  const long = JSON.stringify({ id: 2, diagnostics: 'x'.repeat(1024 * 1024) })

  const found = scan(`{"apps":{"app":[{"id":1},${long},"text",{"id":3}]}}`, 64 * 1024)
  expect(found.map((one) => ('text' in one ? one.text : one.bad))).toEqual([
    '{"id":1}',
    expect.stringMatching(/^10\d{5} bytes, expected at most 1048576$/),
    'a text in place of an object',
    '{"id":3}',
  ])
})
