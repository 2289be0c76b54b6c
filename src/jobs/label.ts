import type { Job } from '../model/job.ts'
import { hexHashOf } from '../model/text-hash.ts'

/** Longest name that is printed whole, in UTF-16 units. */
const LONGEST = 200

/**
 * The name of a job as a label value: never empty, never longer than 210 characters (the end of a longer one is a
 * checksum of the whole), and without half characters, which would all be printed as the same.
 */
export function printedName(name: string): string {
  if (name === '') return '(unnamed)'
  const whole = name.length > LONGEST ? `${name.slice(0, LONGEST)}…#${hexHashOf(name)}` : name
  return whole.replace(halves, '\ufffd')
}

/** The name under which the positions of a job are shown as those of a consumer. */
export function consumerOfJob({
  flinkCluster,
  label,
}: {
  readonly flinkCluster: string
  readonly label: string
}): string {
  return `${flinkCluster}/${label}`
}

const halves = /\p{Cs}/gu

/** Labels for another job of a name that is taken, the nicest first; without an end. */
export function* otherLabels({ name, id, application }: Job): Generator<string, never> {
  const printed = printedName(name)
  if (application !== undefined) yield `${printed}@${application.id}`
  yield `${printed}@${id.slice(0, 8)}`
  yield `${printed}@${id}`
  for (let number = 2; ; number++) yield `${printed}@${id}#${number}`
}
