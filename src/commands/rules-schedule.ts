import { cronFields } from '../app/schedule.ts'
import type { Config } from '../app/schema.ts'

type Entry = Config['objectives'][number]['schedule'][number]

/** What PromQL can say of when an entry is going on. */
export type WhenOpen =
  /** Has a value, without labels, exactly while it is. */
  | { readonly expression: string }
  /** It cannot be said. */
  | { readonly why: string }

const MINUTE = 60
const DAY = 86_400
const WEEK = 7 * DAY
/** 1 January 1970, where time() begins, was a Thursday. */
const FIRST_DAY = 4
/** An expression with more is no help to whoever reads it. */
const MOST_STRETCHES = 24

/**
 * PromQL knows UTC and no calendar of other zones, so an entry can be said when it comes each day, or on the same days
 * each week, by a clock that never changes.
 */
export function whenOpen({ cron, lasts, timezone }: Entry): WhenOpen {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = cronFields(cron)
  const offset = fixedOffset(timezone)
  if (offset === undefined) return { why: `the clock of ${timezone} changes with the seasons` }
  const isWeekly = dayOfMonth.length === 31 && month.length === 12 && dayOfWeek.every(isNumber)
  if (!isWeekly) return { why: 'it does not come on the same days each week' }
  const days = dayOfWeek.length === 7 ? [FIRST_DAY] : dayOfWeek.map(Number)
  const period = dayOfWeek.length === 7 ? DAY : WEEK
  const begins = days.flatMap((day) =>
    hour.flatMap((hours) =>
      minute.map((minutes) => modulo((day - FIRST_DAY) * DAY + (hours * 60 + minutes) * MINUTE - offset, period)),
    ),
  )
  const stretches = joined(begins, lasts / 1_000, period)
  if (stretches.length > MOST_STRETCHES) return { why: `it begins ${stretches.length} times, expected at most 24` }
  const expression = stretches
    // Adding, since the modulo of what is negative would be negative.
    .map(({ begin, length }) => `vector((time() + ${modulo(-begin, period)}) % ${period}) < ${length}`)
    .join(' or ')
  return { expression }
}

interface Stretch {
  readonly begin: number
  readonly length: number
}

/** Stretches of the same length in a day or week that repeats itself, those that touch made one. */
function joined(begins: readonly number[], length: number, period: number): readonly Stretch[] {
  if (length >= period) return [{ begin: 0, length: period }]
  const sorted = [...new Set(begins)].sort((a, b) => a - b)
  const found: Stretch[] = []
  for (const begin of sorted) {
    const last = found.at(-1)
    if (last !== undefined && begin <= last.begin + last.length)
      found[found.length - 1] = { begin: last.begin, length: begin + length - last.begin }
    else found.push({ begin, length })
  }
  const [first] = found
  const last = found.at(-1)
  // The last one may reach over the end of the period into the first.
  if (first === undefined || last === undefined || last.begin + last.length < first.begin + period) return found
  if (found.length === 1) return [{ begin: 0, length: period }]
  return [...found.slice(1, -1), { begin: last.begin, length: first.begin + period + first.length - last.begin }]
}

/** Seconds east of UTC; undefined when they change, as far as the time zone database knows. */
function fixedOffset(timeZone: string): number | undefined {
  const clock = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  const offsets = new Set<string>()
  for (let month = 0; month < 120; month++)
    for (const day of [1, 15]) offsets.add(clock.formatToParts(Date.UTC(2026, month, day)).find(isOffset)?.value ?? '')
  const [only = ''] = offsets
  const [, sign, hours, minutes] = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(only) ?? []
  if (offsets.size !== 1 || !only.startsWith('GMT')) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * MINUTE
}

function isOffset({ type }: Intl.DateTimeFormatPart): boolean {
  return type === 'timeZoneName'
}

function isNumber(value: number | string): boolean {
  return typeof value === 'number'
}

function modulo(value: number, period: number): number {
  return ((value % period) + period) % period
}
