import type { FlinkLook } from '../flink/flink-rest.ts'
import { defaultReporterPort, parseReporterPorts } from '../flink/reporter-ports.ts'

/** The ports at which reporters may be: those that we were told, else those in the configuration of the JobManager. */
export function candidatePorts(told: readonly number[] | undefined, { reporters }: FlinkLook): readonly number[] {
  if (told !== undefined) return told
  const ports = (reporters ?? []).flatMap(({ port }) =>
    port === undefined ? [defaultReporterPort] : (parseReporterPorts(port) ?? []),
  )
  return [...new Set(ports)]
}

/** What the configuration says of why there is no reporter; undefined when it says nothing. */
export function whyNoReporter({ reporters, version }: FlinkLook): string | undefined {
  if (reporters === undefined) return undefined
  if (reporters.length === 0) return 'no Prometheus reporter is configured (metrics.reporter.<name>.factory.class)'
  if (!reporters.every(({ configuredBy }) => configuredBy === 'class') || !isFrom116(version)) return undefined
  const names = reporters.map(({ name }) => `metrics.reporter.${name}.class`).join(', ')
  return `its reporter is configured by ${names}, which Flink ${version} does not take: use factory.class`
}

function isFrom116(version: string | undefined): boolean {
  const found = /^(\d+)\.(\d+)/.exec(version ?? '')
  if (found === null) return false
  const [major, minor] = [Number(found[1]), Number(found[2])]
  return major > 1 || minor >= 16
}
