import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { framed, lagkeeperUrl, several } from './frame.ts'
import { jobPage, toConsumerOfJob, toJob, uids } from './links.ts'
import { lines } from './panels/lines.ts'
import { atLeastOne, rising } from './panels/panel.ts'
import { stat } from './panels/stat.ts'
import { table } from './panels/table.ts'
import { timeline } from './panels/timeline.ts'
import { flinkCluster, flinkJob, once, rank, top20 } from './queries.ts'
import { jobConditions, jobRanks, plainYesOrNo } from './words.ts'

const byJob = 'flink_cluster, flink_job'
const of = (metric: string, at = '') => once(`${metric}{${flinkJob}}${at}`)
const perJob = (series: string, labels = '') => `max by (${byJob}${labels}) (${series})`
const state = (words: string) => once(`stream_job_state{${flinkJob}, state${words}}`)
const jobName = '{{flink_cluster}} {{flink_job}}'
const none = `0 * sum(${of('stream_job_expected_running')})`

/** Whether Flink jobs run, finish their checkpoints and read what they should. */
export function flinkJobs(): Dashboard {
  return framed({
    uid: uids.flinkJobs,
    title: 'Flink jobs',
    description:
      'Flink jobs that Lagkeeper knows: state, restarts, checkpoints, back-pressure, and what is wrong with them',
    variables: [
      several('flink_cluster', 'Flink cluster', 'label_values(stream_job_expected_running, flink_cluster)'),
      several('flink_job', 'Job', `label_values(stream_job_expected_running{${flinkCluster}}, flink_job)`),
      lagkeeperUrl(),
    ],
    alerts: ', flink_cluster=~"$flink_cluster", flink_job=~"$flink_job"',
    rows: [
      { title: 'Now', panels: now() },
      { title: 'Jobs', panels: [jobs(), findings(), conditions()] },
      { title: 'Restarts and checkpoints', panels: checkpoints() },
      { title: 'Reading', panels: reading() },
    ],
  })
}

function now(): readonly Builder<Panel>[] {
  return [
    stat({
      title: 'Should run',
      description:
        'Jobs that should run: by the configuration, or because they ran and did neither finish nor were cancelled.',
      unit: 'none',
      width: 4,
      query: `sum(${of('stream_job_expected_running')})`,
      thresholds: [{ value: null, color: 'blue' }],
      absent: 'no jobs',
    }),
    stat({
      title: 'Should run and do not',
      description:
        'Jobs that should run and are not in the state running. Those that cannot be seen are counted beside this.',
      unit: 'none',
      width: 4,
      query: `count(${of('stream_job_expected_running')} == 1 unless on (${byJob}) (${state('=~"running|unknown"')} == 1)) or ${none}`,
      thresholds: atLeastOne('red'),
      absent: 'no jobs',
    }),
    stat({
      title: 'Cannot be seen',
      description: 'Jobs whose JobManager does not answer. They may be well; nobody knows.',
      unit: 'none',
      width: 4,
      query: `sum(${state('="unknown"')})`,
      thresholds: atLeastOne('orange'),
      absent: 'no jobs',
    }),
    stat({
      title: 'Jobs with findings',
      description: 'Jobs with which something is wrong beyond their state; the table says what.',
      unit: 'none',
      width: 4,
      query: `count(${perJob(of('stream_job_finding'))}) or ${none}`,
      thresholds: atLeastOne('orange'),
      absent: 'no jobs',
    }),
    stat({
      title: 'Restarts in the shown time',
      description: 'Of all chosen jobs together; a new run under the same name is one restart more.',
      unit: 'none',
      width: 4,
      query: `sum(${once(`increase(stream_job_restarts_total{${flinkJob}}[$__range])`)})`,
      thresholds: atLeastOne('orange'),
      absent: 'no jobs',
    }),
    stat({
      title: 'Oldest checkpoint',
      description: 'Time since the last complete checkpoint of the job that has waited longest, among those that run.',
      unit: 's',
      width: 4,
      query: `max((time() - ${perJob(of('stream_job_last_checkpoint_timestamp_seconds'))}) and on (${byJob}) (${state('="running"')} == 1))`,
      thresholds: rising(600, 1_800),
      absent: 'no checkpoints',
    }),
  ]
}

function jobs(): Builder<Panel> {
  return table({
    title: 'Jobs, worst first',
    description:
      'By condition, then by findings. An empty cell is a number that is not known. Click a job to see it alone, to see its lag as a consumer, or to ask Lagkeeper what it knows.',
    unit: 'short',
    width: 24,
    height: 11,
    sortBy: ['condition', 'findings', 'restarts'],
    links: { flink_job: [toJob, toConsumerOfJob, jobPage] },
    columns: [
      { query: rank(jobRanks, flinkJob, byJob), title: 'condition', words: jobConditions },
      { query: perJob(`${of('stream_job_state')} == 1`, ', state') },
      { query: perJob(of('stream_job_expected_running')), title: 'should run', words: plainYesOrNo },
      {
        query: `count by (${byJob}) (${perJob(of('stream_job_finding'), ', finding')})`,
        title: 'findings',
        unit: 'none',
      },
      {
        query: perJob(once(`increase(stream_job_restarts_total{${flinkJob}}[$__range])`)),
        title: 'restarts',
        unit: 'none',
      },
      {
        query: `time() - ${perJob(of('stream_job_last_checkpoint_timestamp_seconds'))}`,
        title: 'checkpoint age',
        unit: 's',
        thresholds: rising(600, 1_800),
      },
      {
        query: perJob(once(`increase(stream_job_checkpoints_failed_total{${flinkJob}}[$__range])`)),
        title: 'checkpoints failed',
        unit: 'none',
      },
      {
        query: perJob(of('stream_job_backpressure_ratio')),
        title: 'back-pressure',
        unit: 'percentunit',
        thresholds: rising(0.3, 0.7),
      },
      { query: perJob(of('stream_job_watermark_lag_seconds')), title: 'watermark lag', unit: 's' },
      { query: `sum by (${byJob}) (${of('stream_job_source_records_lag')})`, title: 'source lag', unit: 'short' },
      { query: perJob(of('stream_job_info'), ', version') },
    ],
  })
}

function findings(): Builder<Panel> {
  return table({
    title: 'Findings',
    description:
      'What is wrong with which job; docs/jobs.md explains each. Click a job to read the evidence in Lagkeeper.',
    unit: 'none',
    width: 12,
    height: 10,
    sortBy: [],
    links: { flink_job: [jobPage, toJob], finding: [jobPage] },
    columns: [{ query: perJob(of('stream_job_finding'), ', finding') }],
  })
}

function conditions(): Builder<Panel> {
  return timeline({
    title: 'Condition of the worst',
    description:
      'The twenty jobs that are worst at the end of the shown time. changing: starting, restarting, failing or being cancelled. unknown: the JobManager did not answer. gone: not listed any more though it had not ended.',
    unit: 'none',
    width: 12,
    height: 10,
    query: top20((at) => rank(jobRanks, flinkJob, byJob, at)),
    legend: jobName,
    words: jobConditions,
  })
}

function checkpoints(): readonly Builder<Panel>[] {
  const counted = (metric: string) =>
    top20((at) => perJob(once(`increase(${metric}{${flinkJob}}[$__rate_interval]${at})`)))
  return [
    lines({
      title: 'Restarts',
      description: 'By job. A restart goes back to the last checkpoint, so what was read since is read again.',
      unit: 'none',
      width: 8,
      lines: [{ query: counted('stream_job_restarts_total'), legend: jobName }],
    }),
    lines({
      title: 'Age of the last checkpoint',
      description:
        'A saw-tooth as high as the interval is healthy; a line that goes on rising is a job whose checkpoints hang, which never counts as failed. The twenty oldest.',
      unit: 's',
      width: 8,
      lines: [
        {
          query: top20((at) => `(time() - ${perJob(of('stream_job_last_checkpoint_timestamp_seconds', at))})`),
          legend: jobName,
        },
      ],
    }),
    lines({
      title: 'Failed checkpoints',
      description: 'By job.',
      unit: 'none',
      width: 8,
      lines: [{ query: counted('stream_job_checkpoints_failed_total'), legend: jobName }],
    }),
  ]
}

function reading(): readonly Builder<Panel>[] {
  const bySource = (metric: string, at: string) => perJob(of(metric, at), ', vertex')
  return [
    lines({
      title: 'Lag of the sources, and what Flink calls pending',
      description:
        'The true number of records that each source has not emitted yet, and dashed what Flink itself says is pending. Under back-pressure Flink says far too little, and 0 of a job that is stuck. The twenty largest of each.',
      unit: 'short',
      width: 24,
      lines: [
        {
          query: top20((at) => bySource('stream_job_source_records_lag', at)),
          legend: '{{flink_job}} {{vertex}}',
        },
        {
          query: top20((at) => bySource('stream_job_flink_pending_records', at)),
          legend: 'pending by Flink: {{flink_job}} {{vertex}}',
          isDashed: true,
        },
      ],
    }),
    lines({
      title: 'Back-pressure',
      description: 'Share of the time in which the most held-up task waits for those behind it. The twenty largest.',
      unit: 'percentunit',
      width: 12,
      lines: [{ query: top20((at) => perJob(of('stream_job_backpressure_ratio', at))), legend: jobName }],
    }),
    lines({
      title: 'Watermark lag',
      description:
        'How far the watermark of the slowest operator is behind the clock: windows close that much later. The twenty largest.',
      unit: 's',
      width: 12,
      lines: [{ query: top20((at) => perJob(of('stream_job_watermark_lag_seconds', at))), legend: jobName }],
    }),
  ]
}
