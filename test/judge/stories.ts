import type { Reason } from '../../src/model/reason.ts'
import { INTERVAL, type Seen, type WatchOptions, watch } from './watched.ts'

/** One partition and one consumer at a second of a story. */
interface Moment {
  readonly end: number | Reason
  readonly position: number | Reason
  readonly start?: number
  readonly members?: number
  readonly isJobRunning?: boolean
}

export interface Story {
  readonly at: (second: number) => Moment
  readonly minutes: number
  readonly kind?: Seen['kind']
  readonly isSuspected?: boolean
  /** It commits every few seconds, moved or not, while it has members; others commit what they have read. */
  readonly isAutoCommit?: boolean
}

const MINUTE = 60
const HOUR = 3_600
const steady = (second: number): number => 100 * second
const burst = (second: number): number => 100 * second + 1_400 * clamp(second - 20 * MINUTE, 0, 10 * MINUTE)
const growing = (second: number): number => Math.floor(100 * second + second ** 2 / 72)
const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most)
const stepped = (second: number, every: number): number => Math.floor(second / every) * every

/** Reads so many records a second, what there is. */
function reading(produced: (second: number) => number, perSecond: number): (second: number) => number {
  const positions = [0]
  return (second) => {
    for (let next = positions.length; next <= second; next++)
      positions.push(Math.min(positions[next - 1]! + perSecond, produced(next)))
    return positions[second]!
  }
}

const throughBurst = reading(burst, 400)
const leaking = reading(steady, 99)
const rewinding = (() => {
  const again = reading((second) => 30_000 + 100 * second, 300)
  return (second: number): number => (second < 20 * MINUTE ? steady(second) : 90_000 + again(second - 20 * MINUTE))
})()
const stoppedAt = (second: number): number => steady(Math.min(second, 20 * MINUTE))
const nightly = (second: number): number => (second < MINUTE ? 0 : 60_000)

/** What happens to one consumer of one partition; 100 records a second arrive where nothing else is said. */
export const stories = {
  'reads all the time': {
    minutes: 60,
    at: (s) => ({ end: steady(s), position: Math.max(0, steady(s) - 50), members: 2 }),
  },
  'one record a minute': {
    isAutoCommit: true,
    minutes: 120,
    at: (s) => ({ end: Math.floor(s / 60), position: Math.floor((s - 20) / 60) + (s < 20 ? 1 : 0), members: 1 }),
  },
  'one record an hour': {
    isAutoCommit: true,
    minutes: 300,
    at: (s) => ({ end: Math.floor(s / HOUR), position: Math.floor(Math.max(0, s - 20) / HOUR), members: 1 }),
  },
  'nothing for two hours, then traffic': {
    isAutoCommit: true,
    minutes: 180,
    at: (s) => ({
      end: 1_000 + 100 * Math.max(0, s - 2 * HOUR),
      position: 1_000 + 100 * Math.max(0, s - 2 * HOUR - 40),
      members: 1,
    }),
  },
  'the end of a transaction, suspected': {
    isAutoCommit: true,
    minutes: 120,
    isSuspected: true,
    at: (s) => ({ end: Math.min(s, 600), position: clamp(s - 1, 0, 599), members: 1 }),
  },
  'the end of a transaction, not known as one': {
    isAutoCommit: true,
    minutes: 120,
    at: (s) => ({ end: Math.min(s, 600), position: clamp(s - 1, 0, 599), members: 1 }),
  },
  'commits every 60 s': { minutes: 120, at: (s) => ({ end: steady(s), position: steady(stepped(s, 60)), members: 1 }) },
  'commits every 600 s': {
    minutes: 240,
    at: (s) => ({ end: steady(s), position: steady(stepped(s, 600)), members: 1 }),
  },
  'commits every 25 minutes': {
    minutes: 300,
    at: (s) => ({ end: steady(s), position: steady(stepped(s, 1_500)), members: 1 }),
  },
  'orphan commits': { minutes: 120, at: (s) => ({ end: 1_000 + steady(s), position: 50, members: 0 }) },
  'members that stood before they were watched': {
    isAutoCommit: true,
    minutes: 60,
    at: (s) => ({ end: 1_000 + steady(s), position: 50, members: 2 }),
  },
  'a nightly batch, read': {
    minutes: 120,
    at: (s) => ({ end: nightly(s), position: clamp((s - MINUTE) * 100, 0, nightly(s)), members: 1 }),
  },
  'a nightly batch, its job dies half-way': {
    minutes: 120,
    at: (s) => ({
      end: nightly(s),
      position: clamp((s - MINUTE) * 100, 0, 30_000),
      members: s < 6 * MINUTE ? 1 : 0,
    }),
  },
  'a nightly batch, its job gets stuck half-way': {
    minutes: 120,
    at: (s) => ({ end: nightly(s), position: clamp((s - MINUTE) * 100, 0, 30_000), members: 1 }),
  },
  'its members vanish': {
    minutes: 60,
    at: (s) => ({ end: steady(s), position: stoppedAt(s), members: s < 20 * MINUTE ? 2 : 0 }),
  },
  'its job ends': {
    minutes: 60,
    kind: 'flink',
    at: (s) => ({ end: steady(s), position: stoppedAt(s), isJobRunning: s < 20 * MINUTE }),
  },
  'it stops, and nobody knows of members': { minutes: 60, at: (s) => ({ end: steady(s), position: stoppedAt(s) }) },
  'it stops for 25 minutes': {
    minutes: 90,
    at: (s) => ({
      end: steady(s),
      position: s < 45 * MINUTE ? stoppedAt(s) : steady(s),
      members: 1,
    }),
  },
  'it leaks 1 %': { minutes: 120, at: (s) => ({ end: steady(s), position: leaking(s), members: 1 }) },
  'ten minutes of 15 times the traffic': {
    minutes: 120,
    at: (s) => ({ end: burst(s), position: throughBurst(s), members: 1 }),
  },
  'traffic grows, it keeps up': {
    minutes: 120,
    at: (s) => ({ end: growing(s + 60), position: growing(s + 50), members: 1 }),
  },
  'it is set back': { minutes: 90, at: (s) => ({ end: steady(s), position: rewinding(s), members: 1 }) },
  'a broker is down for 20 minutes': {
    minutes: 90,
    at: (s) => {
      const lived = s < 20 * MINUTE ? s : Math.max(20 * MINUTE, s - 20 * MINUTE)
      const isDown = s >= 20 * MINUTE && s < 40 * MINUTE
      return { end: isDown ? 'end_unknown' : steady(lived), position: Math.max(0, steady(lived) - 50), members: 2 }
    },
  },
  'it commits again and again, always the same': {
    isAutoCommit: true,
    minutes: 60,
    at: (s) => ({ end: steady(s), position: Math.min(steady(s), 6_000), members: 1 }),
  },
} satisfies Readonly<Record<string, Story>>

export type StoryName = keyof typeof stories

export interface Change {
  readonly second: number
  readonly status: string
}

/** Cycle after cycle, and when the status changes. */
export function told(story: Story, options: WatchOptions = {}): string {
  let second = 0
  const world = watch({ ...options, isJobRunning: () => story.at(second).isJobRunning })
  const changes: Change[] = []
  for (; second <= story.minutes * MINUTE; second += INTERVAL / 1_000) {
    const { end, position, start = 0, members } = story.at(second)
    world.see(1_000_000 + second * 1_000, {
      ends: { t: [end] },
      starts: { t: [start] },
      positions: { c: { t: { 0: position } } },
      ...(members === undefined ? {} : { members: { c: members } }),
      ...(story.kind === undefined ? {} : { kind: story.kind }),
      ...(story.isSuspected === undefined ? {} : { isSuspected: story.isSuspected }),
    })
    const { status } = world.of('c', 't')
    if (status !== changes.at(-1)?.status) changes.push({ second, status })
  }
  return inWords(changes)
}

/** `0:00 ok, 30:15 stalled`: minutes and seconds. */
export function inWords(changes: readonly Change[]): string {
  return changes
    .map(({ second, status }) => `${Math.floor(second / 60)}:${String(second % 60).padStart(2, '0')} ${status}`)
    .join(', ')
}
