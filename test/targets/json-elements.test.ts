import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonElements } from '../../src/targets/json-elements.ts'

function elements(text: string) {
  const steps = jsonElements(text)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

it('cuts any JSON array into its elements', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 4 })), fc.constantFrom(undefined, 1), (list, indent) => {
      const found = elements(JSON.stringify(list, undefined, indent))

      expect('broken' in found ? found : found.map((text) => JSON.parse(text))).toEqual(
        JSON.parse(JSON.stringify(list)),
      )
    }),
  )
})

it.each(['[]', ' [ ] \n', '[1]', '["]"]', '["\\"]"]', '[[],[[]]]', '[{"a":"["}]'])('takes %j', (text) => {
  expect(elements(text)).toHaveLength(JSON.parse(text).length)
})

it.each([
  '',
  '{}',
  '1',
  '"x"',
  '[',
  '[1',
  '[1,]',
  '[,1]',
  '[1,,2]',
  '[1]]',
  '[1] x',
  '["]',
  'x[1]',
  '[]]',
  '[1}',
  '[1]\u0000',
])('says that %j is no list', (text) => {
  expect(elements(text)).toHaveProperty('broken')
})

it('refuses depth without recursion', () => {
  expect(elements('['.repeat(1_000_000))).toEqual({ broken: expect.stringContaining('deeper than 16') })
})
