export type Labels = Readonly<Record<string, string>>
export type Sample = readonly [labels: Labels, value: number]

/** Families of a Flink process, one after the other. */
export interface PageWriter {
  /** A gauge of Flink: `scope` and `name`, filtered, make the family's name; without a sample there is no family. */
  flink(scope: string, name: string, samples: readonly Sample[]): void
  text(): string
}

/**
 * Writes as Flink's Prometheus reporter does: all are gauges, behind the last label stands a comma, and numbers are
 * Java's.
 *
 * @param names families that are wanted; all when there is none
 */
export function createPageWriter(names: readonly string[]): PageWriter {
  const lines: string[] = []
  const wanted = new Set(names)
  return {
    flink(scope, name, samples) {
      const family = filtered(`flink_${scope}_${name}`)
      if (samples.length === 0 || (wanted.size > 0 && !wanted.has(family))) return
      lines.push(`# HELP ${family} ${name} (scope: ${scope})`, `# TYPE ${family} gauge`)
      for (const [labels, value] of samples) lines.push(`${family}${labelText(labels)} ${javaDouble(value)}`)
    },
    text: () => lines.map((line) => `${line}\n`).join(''),
  }
}

/** The `host` of every process here. */
export const host = '127_0_0_1'

/** The reporter's filter of label values. */
export function filtered(text: string): string {
  return text.replace(/[^a-zA-Z0-9:_]/g, '_')
}

/** As Java's Double.toString writes it: `0.0`, `1.23456789E8` from ten million on. */
function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  if (value !== 0 && (Math.abs(value) >= 1e7 || Math.abs(value) < 1e-3)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e')
    return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

function labelText(labels: Labels): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}",`)
    .join('')}}`
}
