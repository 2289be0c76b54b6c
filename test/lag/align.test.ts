import { describe, expect, it } from 'vitest'
import { realign, withoutChanged, withoutRecreated } from '../../src/lag/align.ts'
import { type Catalog, emptyCatalog } from '../../src/model/catalog.ts'
import { logOffsetColumn } from '../../src/model/log-offsets.ts'
import { KNOWN, reasonCode } from '../../src/model/reason.ts'

/** One topic "t" of two partitions, with the id or none. */
function catalogOf(id?: string): Catalog {
  const topic = { name: 't', internal: false, partitions: 2, firstRow: 0, ...(id === undefined ? {} : { id }) }
  return { ...emptyCatalog, topics: [topic], topicIndex: new Map([['t', 0]]), rows: 2, leader: new Int32Array(2) }
}

const known = logOffsetColumn(2, KNOWN, [])
const recreated = reasonCode('topic_recreated')
const lives = [catalogOf('a'), catalogOf('b'), catalogOf()] as const

describe('log offsets of a topic', () => {
  it('are none of the new topic when the id changed', () => {
    expect([...withoutChanged(known, lives[0], lives[1]).reason]).toEqual([recreated, recreated])
    expect([...withoutRecreated(known, lives[1], lives[0]).reason]).toEqual([recreated, recreated])
    expect([...realign(known, lives[0], lives[1]).reason]).not.toContain(KNOWN)
  })

  it('stay while brokers of an upgrade to 2.8 tell the id and do not, in turn', () => {
    for (const [from, to] of [
      [lives[0], lives[2]],
      [lives[2], lives[0]],
    ] as const) {
      expect([...withoutChanged(known, from, to).reason]).toEqual([KNOWN, KNOWN])
      expect([...withoutRecreated(known, to, from).reason]).toEqual([KNOWN, KNOWN])
      expect([...realign(known, from, to).reason]).toEqual([KNOWN, KNOWN])
    }
  })

  it('are not taken for recreated when the topic is new', () => {
    expect([...withoutRecreated(known, lives[0], emptyCatalog).reason]).toEqual([KNOWN, KNOWN])
  })
})
