import { expect, it } from 'vitest'
import { winnerOf } from '../../src/replicas/rendezvous.ts'

const keys = Array.from({ length: 3_000 }, (_, index) => `kafka/cluster-${index}`)
const ownersAmong = (...ids: string[]) => keys.map((key) => winnerOf(key, ids))
const count = (owners: readonly (string | undefined)[], id: string) => owners.filter((owner) => owner === id).length

it('has no winner without members, and one member wins everything', () => {
  expect(winnerOf('kafka/main', [])).toBeUndefined()
  expect(new Set(ownersAmong('a'))).toEqual(new Set(['a']))
})

it('shares evenly, in whatever order the members come', () => {
  const owners = ownersAmong('a', 'b', 'c')

  for (const id of ['a', 'b', 'c']) expect(count(owners, id)).toBeGreaterThan(900)
  expect(ownersAmong('c', 'a', 'b')).toEqual(owners)
})

it('moves only the keys of the one that comes or goes, and those to all others alike', () => {
  const [three, two] = [ownersAmong('a', 'b', 'c'), ownersAmong('a', 'b')]

  const moved = two.filter((_, index) => three[index] === 'c')
  expect(two.filter((owner, index) => three[index] !== 'c' && three[index] !== owner)).toEqual([])
  for (const id of ['a', 'b']) expect(count(moved, id)).toBeGreaterThan(400)
})

it('gives the same answer in every version', () => {
  expect(
    ['main', 'edge', 'test', 'eu', 'us'].map((key) => winnerOf(`kafka/${key}`, ['a', 'b', 'c'])),
  ).toMatchInlineSnapshot(`
    [
      "a",
      "a",
      "c",
      "a",
      "b",
    ]
  `)
})
