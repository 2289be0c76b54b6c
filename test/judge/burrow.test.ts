import { describe, expect, it } from 'vitest'
import { toldByBurrow } from './burrow.ts'
import { type StoryName, stories, told } from './stories.ts'

/** Where docs/status.md says why ours is right. */
const differences: readonly (readonly [name: StoryName, burrow: string, ours: string])[] = [
  ['reads all the time', '0:00 OK, 2:30 WARN', '0:00 ok'],
  ['nothing for two hours, then traffic', '0:00 OK, 122:30 WARN', '0:00 ok'],
  ['the end of a transaction, suspected', '0:00 OK, 2:30 WARN, 12:15 STALL', '0:00 ok'],
  ['the end of a transaction, not known as one', '0:00 OK, 2:30 WARN, 12:15 STALL', '0:00 ok'],
  ['commits every 600 s', '0:00 OK, 2:30 STOP, 10:00 OK', '0:00 ok'],
  ['commits every 25 minutes', '0:00 OK, 2:30 STOP, 25:00 OK', '0:00 ok, 10:00 stalled, 25:00 ok'],
  ['orphan commits', '0:00 STALL, 0:15 STOP', '0:00 ok, 10:00 unknown'],
  ['members that stood before they were watched', '0:00 STALL', '0:00 ok, 10:00 stalled'],
  ['a nightly batch, its job dies half-way', '0:00 OK, 8:30 STOP', '0:00 ok, 16:00 stopped'],
  ['a nightly batch, its job gets stuck half-way', '0:00 OK, 8:30 STOP', '0:00 ok, 16:00 stalled'],
  ['its members vanish', '0:00 OK, 22:30 STOP', '0:00 ok, 28:00 lagging, 30:00 stopped'],
  ['its job ends', '0:00 OK, 22:30 STOP', '0:00 ok, 28:00 lagging, 30:00 stopped'],
  ['it stops, and nobody knows of members', '0:00 OK, 22:30 STOP', '0:00 ok, 28:00 lagging, 30:00 stalled'],
  ['it stops for 25 minutes', '0:00 OK, 22:30 STOP, 45:00 OK', '0:00 ok, 28:00 lagging, 30:00 stalled, 45:00 ok'],
  ['it leaks 1 %', '0:00 OK, 2:30 WARN', '0:00 ok, 10:30 lagging'],
  ['ten minutes of 15 times the traffic', '0:00 OK, 22:30 WARN, 30:15 OK', '0:00 ok, 28:00 lagging, 35:00 ok'],
  ['traffic grows, it keeps up', '0:00 STALL, 0:15 WARN', '0:00 ok'],
  ['it is set back', '0:00 OK, 20:00 REWIND, 21:45 OK', '0:00 ok, 20:00 rewound, 30:00 ok'],
  ['a broker is down for 20 minutes', '0:00 OK, 2:30 WARN, 20:00 OK, 42:30 WARN', '0:00 ok, 21:15 unknown, 40:00 ok'],
  ['it commits again and again, always the same', '0:00 OK, 3:30 STALL', '0:00 ok, 10:30 lagging, 11:00 stalled'],
]

describe('the rules of Burrow over the same histories', () => {
  it.each(differences)('differ when: %s', (name, burrow, ours) => {
    expect([toldByBurrow(stories[name]), told(stories[name])]).toEqual([burrow, ours])
  })

  it('agree about all others', () => {
    const others = Object.entries(stories).filter(([name]) => !differences.some(([other]) => other === name))

    expect(others.map(([name, story]) => [name, toldByBurrow(story), told(story)])).toEqual(
      others.map(([name]) => [name, '0:00 OK', '0:00 ok']),
    )
    expect(others.length).toBeGreaterThan(3)
  })
})
