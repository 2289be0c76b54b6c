import { createTask, type ParsedFields, parse } from 'node-cron'
import { describeError } from '../runtime/errors.ts'

/** The minutes at which something begins, by the clock of a time zone. Times are ms since the Unix epoch. */
interface Cron {
  /** True when the minute that begins then is one of them. */
  readonly fires: (at: number) => boolean
  /** False when none of the fifteen minutes that begin then can be one. */
  readonly mayFire: (quarter: number) => boolean
  /** False when no minute of the day can be one that it is then in the zone. */
  readonly mayFireOnDayOf: (at: number) => boolean
}

const MINUTE = 60_000
/** Offsets of time zones are multiples of it and change at multiples of it, so in all of it hour and day stay. */
const QUARTER = 15 * MINUTE
/** Shorter than any day: one that fits cannot lie between two moments that are closer and do not. */
const HALF_DAY = 12 * 60 * MINUTE
const MOST_CHARACTERS = 100

/**
 * What is wrong with a cron pattern; undefined when nothing is. Five fields: minute, hour, day of month, month and day of
 * week, as node-cron reads them: also `@daily` and its like, `L`, `15W`, `1#2`, and a day must fit both fields for days.
 */
export function wrongWithCron(pattern: string): string | undefined {
  if (pattern.length > MOST_CHARACTERS) return `it has more than ${MOST_CHARACTERS} characters`
  // The library writes a range out before it looks at its ends: 0-99999999 takes all memory.
  if (/\d{3}/.test(pattern)) return 'a number in it is too large'
  try {
    const { second } = parse(pattern)
    if (second.length !== 1 || second[0] !== 0) return 'it has seconds'
  } catch (error) {
    return describeError(error).replace(' a invalid expression for ', ' no ')
  }
  try {
    // It walks a hundred years, day by day.
    matcher(pattern, 'UTC').getNextRuns(1)
    return undefined
  } catch {
    return 'it never comes'
  }
}

/** The values of each field of a right pattern; what depends on the month (`L`, `15W`, `1#2`) stays text. */
export function cronFields(pattern: string): ParsedFields {
  return parse(pattern)
}

/**
 * Says whether a stretch of time is going on that begins at each minute of a cron pattern and lasts so long. It depends
 * on nothing but the moment it is given; that it remembers where it looked last only saves time. At first it looks back
 * over the whole length, so what began before the process did counts (up to 3 ms).
 *
 * A minute that the clock of the zone skips in spring never begins; one that it shows twice in autumn begins twice.
 */
export function createWindow(pattern: string, timezone: string, lastsMs: number): (now: number) => boolean {
  const cron = createCron(pattern, timezone)
  let lookedAt = Number.POSITIVE_INFINITY
  let began: number | undefined
  return (now) => {
    const after = now - lastsMs
    if (now < lookedAt) began = lastFire(cron, after, now)
    else began = lastFire(cron, Math.max(after, lookedAt), now) ?? began
    lookedAt = now
    return began !== undefined && began > after
  }
}

/** The last minute of the pattern that began later than `after`, and not later than `until`. */
function lastFire({ fires, mayFire, mayFireOnDayOf }: Cron, after: number, until: number): number | undefined {
  const last = Math.floor(until / MINUTE) * MINUTE
  for (let end = Math.floor(last / QUARTER) * QUARTER; end + QUARTER > after; end -= HALF_DAY) {
    const begin = Math.max(end - HALF_DAY + QUARTER, Math.floor(after / QUARTER) * QUARTER)
    if (!mayFireOnDayOf(end) && !mayFireOnDayOf(begin)) continue
    for (let quarter = end; quarter >= begin; quarter -= QUARTER) {
      if (!mayFire(quarter)) continue
      for (let at = Math.min(last, quarter + QUARTER - MINUTE); at >= quarter && at > after; at -= MINUTE)
        if (fires(at)) return at
    }
  }
  return undefined
}

function createCron(pattern: string, timezone: string): Cron {
  const { hour, dayOfMonth, month, dayOfWeek } = cronFields(pattern)
  const days = `${dayOfMonth.join()} ${month.join()} ${dayOfWeek.join()}`
  const fires = matcher(pattern, timezone)
  const mayFire = matcher(`* ${hour.join()} ${days}`, timezone)
  const mayFireOnDayOf = matcher(`* * ${days}`, timezone)
  return {
    fires: (at) => fires.match(new Date(at)),
    mayFire: (quarter) => mayFire.match(new Date(quarter)),
    mayFireOnDayOf: (at) => mayFireOnDayOf.match(new Date(at)),
  }
}

/** A task of node-cron that is never started: only asked. */
function matcher(pattern: string, timezone: string) {
  const task = createTask(pattern, () => undefined, { timezone })
  // Else it would stay in the library's list of tasks for ever; asked it can be all the same.
  void task.destroy()
  return task
}
