import type { AlertOutcome, FiredAlert } from '../replay/alerts.ts'
import type { RecordingEnd } from '../replay/read-recording.ts'
import type { RecordingHead } from '../replay/recorded-cycle.ts'
import type { Rules } from '../replay/rule-files.ts'
import type { ObjectiveTimeline, Standing, Stretch, Timeline } from '../replay/timeline.ts'

/** A stretch as it is told: ISO 8601, UTC. */
interface ToldStretch {
  readonly from: string
  readonly seconds: number
}

/** What a replay found: the document that `--json` prints. */
export interface ReplayReport {
  readonly recording: {
    readonly kafka_cluster: string
    readonly interval_seconds: number
    readonly recorded_by: string
    /** Of the first and the last cycle; absent when there is none. */
    readonly from?: string
    readonly to?: string
    readonly cycles: number
    /** Why it breaks off; absent when it was closed in order. */
    readonly broken?: string
  }
  readonly consumers: readonly {
    readonly consumer: string
    readonly topic: string
    readonly minutes: Readonly<Partial<Record<Standing, number>>>
    readonly changes: readonly { readonly at: string; readonly status: Standing; readonly why?: string }[]
  }[]
  readonly objectives: readonly (ObjectiveTimeline['objective'] & {
    readonly broken: readonly ToldStretch[]
    /** When alerts about it would have fired, those at the same time as one; absent without rules. */
    readonly pages?: readonly ToldStretch[]
  })[]
  /** Absent without rules. */
  readonly alerts?: readonly {
    readonly labels: Readonly<Record<string, string>>
    readonly fired: readonly ToldStretch[]
  }[]
  readonly not_replayed?: Rules['leftOut']
  readonly parts?: number
}

export interface Replayed {
  readonly head: RecordingHead
  readonly end: RecordingEnd
  /** Wall clock of the first and the last cycle. */
  readonly span: Stretch | undefined
  readonly timeline: Timeline
  readonly outcome?: AlertOutcome
  readonly rules?: Rules
}

export function replayReport({ head, end, span, timeline, outcome, rules }: Replayed): ReplayReport {
  return {
    recording: {
      kafka_cluster: head.kafkaCluster,
      interval_seconds: head.intervalMs / 1_000,
      recorded_by: head.recordedBy,
      ...(span === undefined ? {} : { from: moment(span.from), to: moment(span.to) }),
      cycles: end.cycles,
      ...(end.broken === undefined ? {} : { broken: brokenText(end, span) }),
    },
    consumers: timeline.consumers().map(({ consumer, topic, minutes, changes }) => ({
      consumer,
      topic,
      minutes: Object.fromEntries([...minutes].map(([status, count]) => [status, Math.round(count * 100) / 100])),
      changes: changes.map(({ at, ...change }) => ({ at: moment(at), ...change })),
    })),
    objectives: timeline.objectives().map(({ objective, broken }) => ({
      ...objective,
      broken: broken.map(told),
      ...(outcome === undefined ? {} : { pages: pagesFor(objective, outcome.alerts).map(told) }),
    })),
    ...(outcome === undefined
      ? {}
      : {
          alerts: outcome.alerts.map(({ labels, stretches }) => ({
            labels: Object.fromEntries(labels),
            fired: stretches.map(told),
          })),
          parts: outcome.parts,
        }),
    ...(rules === undefined ? {} : { not_replayed: rules.leftOut }),
  }
}

function brokenText({ broken, bytes }: RecordingEnd, span: Stretch | undefined): string {
  const after = span === undefined ? 'Nothing can be read' : `What came after ${moment(span.to)} is lost`
  return `${after} (file of ${bytes} bytes): ${broken}`
}

/**
 * What somebody would have been told of: alerts with the labels of the promise. One about a consumer has no topic. Alerts
 * that fire at the same time are one page: Alertmanager groups them.
 */
function pagesFor(objective: ObjectiveTimeline['objective'], alerts: readonly FiredAlert[]): readonly Stretch[] {
  const stretches = alerts
    .filter(
      ({ labels }) =>
        labels.get('consumer') === objective.consumer &&
        (labels.get('topic') ?? objective.topic) === objective.topic &&
        labels.get('owner') === objective.owner &&
        labels.get('severity') === objective.severity,
    )
    .flatMap((alert) => alert.stretches)
    .toSorted((one, other) => one.from - other.from)
  const pages: { from: number; to: number }[] = []
  for (const { from, to } of stretches) {
    const last = pages.at(-1)
    if (last === undefined || from > last.to) pages.push({ from, to })
    else last.to = Math.max(last.to, to)
  }
  return pages
}

function told({ from, to }: Stretch): ToldStretch {
  return { from: moment(from), seconds: Math.round((to - from) / 1_000) }
}

function moment(wall: number): string {
  return new Date(wall).toISOString().replace(/\.\d{3}Z$/, 'Z')
}
