import type { Family } from './families.ts'

/**
 * The beginning of a line up to its value: `name{a="1",b="2"} `. With one value fewer than the family has labels it
 * ends inside the quotes of the last label, for a partition to be written there. An undefined value leaves its label out.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
export function labelText(family: Family, ...values: readonly (string | undefined)[]): string {
  let text = `${family.name}{${family.constant ?? ''}`
  let comma = family.constant === undefined ? '' : ','
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (value === undefined) continue
    text += `${comma}${family.labels[index]}="${escapeLabel(value)}"`
    comma = ','
  }
  return values.length === family.labels.length ? `${text}} ` : `${text}${comma}${family.labels[values.length]}="`
}

/** Backslash, quote and newline are escaped; every other character may stand as it is, control characters included. */
function escapeLabel(value: string): string {
  return special.test(value) ? value.replace(everySpecial, (found) => (found === '\n' ? '\\n' : `\\${found}`)) : value
}

const special = /[\\"\n]/
const everySpecial = /[\\"\n]/g

/** The HELP and TYPE lines of a family. */
export function headText(family: Family): string {
  return `# HELP ${family.name} ${family.help}\n# TYPE ${family.name} ${family.type}\n`
}
