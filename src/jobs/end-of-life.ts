import { evidenceLines } from './evidence-lines.ts'
import type { JobGauges } from './facts.ts'
import { flinkSupport, minorVersion } from './flink-versions.ts'
import type { Judge } from './judgement.ts'

/** Nobody repairs its Flink any more, or it reads Kafka by the consumer that a later Flink does not have. */
export const endOfLife: Judge = ({ job, now, gauges }) => {
  const version = minorVersion(job.version ?? '')
  if (version === undefined) return 'unknown'
  const [major, minor] = version
  // What is older than the table ended before it begins.
  const ended =
    flinkSupport.get(`${major}.${minor}`) ?? (major < 1 || (major === 1 && minor < 8) ? '2019-08-22' : undefined)
  const evidence: string[] = []
  if (ended !== undefined && now > Date.parse(`${ended}T23:59:59Z`))
    evidence.push(`Flink ${job.version}: support of ${major}.${minor} ended on ${ended}`)
  if (isAtLeast(version, 1, 15))
    for (const operator of legacyOperators(gauges))
      evidence.push(`operator ${operator} is a FlinkKafkaConsumer, deprecated since 1.14 and gone with Flink 2.0`)
  if (evidence.length === 0) return gauges === undefined && isAtLeast(version, 1, 15) ? 'unknown' : 'fine'
  return {
    kind: 'end_of_life',
    message: 'The job runs on software that gets no repairs any more',
    evidence: evidenceLines(evidence),
  }
}

function isAtLeast([major, minor]: readonly [number, number], atMajor: number, atMinor: number): boolean {
  return major > atMajor || (major === atMajor && minor >= atMinor)
}

function legacyOperators(gauges: JobGauges | undefined): readonly string[] {
  const legacy = (gauges?.partitions ?? []).filter(({ generation }) => generation === 'legacy')
  return [...new Set(legacy.map(({ operator }) => operator.operatorName))].sort()
}
