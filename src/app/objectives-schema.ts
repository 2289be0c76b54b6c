import { z } from 'zod'
import { duration } from '../config/duration.ts'
import { hints } from '../config/hints.ts'
import { pattern } from '../config/pattern.ts'
import { besideOthers, member } from '../config/rules.ts'
import { parsed, text } from '../config/text-options.ts'
import { severities } from '../model/objective.ts'
import { wrongWithCron } from './schedule.ts'

/** Keeps the first look at a schedule far below 50 ms. */
const MOST_ENTRIES = 10
const MINUTE = 60_000

const entry = z
  .strictObject({
    cron: cron().describe('When it begins: a cron pattern of five fields.'),
    lasts: duration('1m', '7d').describe('How long it lasts from then on, in whole minutes that really pass.'),
    timezone: parsed('a time zone such as "Europe/Berlin" or "UTC"', (name) => (isTimezone(name) ? name : undefined))
      .prefault('UTC')
      .describe('Time zone of `cron`.'),
    records: z.int().min(0).optional().describe('What `records` is meanwhile; without it as the rule has it.'),
    seconds: z.int().min(1).optional().describe('What `seconds` is meanwhile; without it as the rule has it.'),
    off: z.boolean().optional().describe('`true`: nothing is promised meanwhile.'),
  })
  .superRefine(hasEffect, besideOthers)

export const objectiveSchema = z
  .strictObject({
    consumer: pattern().describe('Consumers that the promise is about.'),
    topic: pattern().prefault('.*').describe('Topics that the promise is about.'),
    records: z.int().min(0).optional().describe('Largest promised lag on one topic, in records.'),
    seconds: z
      .int()
      .min(1)
      .optional()
      .describe('Largest promised time lag on one topic, in seconds; this, `records` or both are required.'),
    owner: text('1 to 63 printable characters', /^[^\p{Cc}\p{Cs}]{1,63}$/u).describe(
      'Who answers for the promise: a label for routing alerts.',
    ),
    severity: z.enum(severities).prefault('warning').describe('How bad it is when the promise is broken.'),
    schedule: entry
      .array()
      .max(MOST_ENTRIES)
      .prefault([])
      .describe('Times at which something else is promised, or nothing; the first entry that is going on counts.'),
  })
  .superRefine(promisesSomething, besideOthers)

function cron() {
  const expected = 'a cron pattern of five fields such as "0 22 * * 1-5"'
  return z
    .string()
    .superRefine((value, context) => {
      const wrong = wrongWithCron(value)
      if (wrong !== undefined)
        context.addIssue({ code: 'custom', message: `expected ${expected}: ${wrong}`, input: value })
    })
    .register(hints, { expected })
}

/** Names only: an offset such as `+02:00` has no summer time, and not every Node.js knows it. */
function isTimezone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

const values = ['records', 'seconds'] as const

function given(value: unknown): readonly string[] {
  return values.filter((name) => member(value, name) !== undefined)
}

function hasEffect(value: unknown, context: z.core.$RefinementCtx): void {
  const lasts = member(value, 'lasts')
  if (typeof lasts === 'number' && lasts % MINUTE !== 0)
    context.addIssue({ code: 'custom', path: ['lasts'], message: 'expected whole minutes' })
  const [one] = given(value)
  const isOff = member(value, 'off') === true
  if (isOff && one !== undefined)
    context.addIssue({ code: 'custom', path: [one], message: 'expected it without "off: true", or "off: true" alone' })
  if (!isOff && one === undefined)
    context.addIssue({ code: 'custom', message: 'without effect, expected "records", "seconds" or "off: true"' })
}

function promisesSomething(value: unknown, context: z.core.$RefinementCtx): void {
  if (given(value).length === 0)
    context.addIssue({ code: 'custom', message: 'nothing is promised, expected "records", "seconds" or both' })
  const schedule = member(value, 'schedule')
  for (const [index, entry] of (Array.isArray(schedule) ? schedule : []).entries()) {
    const names = given(entry)
    if (names.length > 0 && names.every((name) => member(entry, name) === member(value, name)))
      context.addIssue({
        code: 'custom',
        path: ['schedule', index],
        message: `without effect, expected other values than those of the rule itself (${names.join(', ')})`,
      })
  }
}
