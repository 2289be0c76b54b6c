import { parsed } from './text-options.ts'

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** Units from large to small, each at most once, as in Prometheus: "15s", "1h30m", "500ms". */
const form = /^(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,6})s)?(?:(\d{1,9})ms)?$/

/** Milliseconds of a text such as "1h30m", or undefined when it is not a duration. */
export function parseDuration(text: string): number | undefined {
  const found = form.exec(text)
  if (text === '' || found === null) return undefined
  return units.reduce((sum, [, ms], index) => sum + Number(found[index + 1] ?? 0) * ms, 0)
}

/** The shortest text that means `ms` milliseconds: 90_000 is "1m30s". */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms)
  let text = ''
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${unit}`
    rest -= count * size
  }
  return text || '0s'
}

/** An option such as `15s`, from `min` to `max` (written the same way); its value is milliseconds. */
export function duration(min: string, max: string) {
  const minMs = parseDuration(min) ?? 0
  const maxMs = parseDuration(max) ?? Number.POSITIVE_INFINITY
  const expected = `a duration from ${min} to ${max} such as "15s", "1m30s" or "500ms"`
  return parsed(expected, (text) => {
    const ms = parseDuration(text)
    return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined
  })
}
