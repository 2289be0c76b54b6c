import { type AlertReplay, createAlertReplay } from '../replay/alerts.ts'
import { findPromtool, type Promtool } from '../replay/promtool.ts'
import { openRecording } from '../replay/read-recording.ts'
import { createReplay } from '../replay/replay-cycles.ts'
import { type Rules, readRules } from '../replay/rule-files.ts'
import { createTimeline, type Stretch } from '../replay/timeline.ts'
import { runInTurns } from '../runtime/breathe.ts'
import { ConfigError, DecodeError, describeError, UnavailableError } from '../runtime/errors.ts'
import type { Io } from './io.ts'
import { parseReplayArguments, type ReplayArguments } from './replay-arguments.ts'
import { type ReplayReport, replayReport } from './replay-report.ts'
import { replayText } from './replay-text.ts'

const USAGE = `Usage: lagkeeper replay FILE [options]

Makes of a recording of lagkeeper record what the daemon would have made of it: the status of each consumer and why it
changed, how often each objective was broken and, with rules, which alerts would have fired. What another version, other
objectives or other rules would have said about last night can be tried so.

  --config.file=FILE       the daemon's configuration, for its objectives and no_position
  --rules=FILES            rule files of Prometheus, such as 'alerts/*.yaml'; may be given several times. Needs promtool,
                           which comes with Prometheus, on the PATH
  --window=DURATION        what a status is decided over, at least (default 10m)
  --json                   one JSON document in place of text
  --help                   this text

Exit codes: 0 nothing would have fired, 1 something would (without --rules: an objective was broken), 2 wrong usage, rules
that are none, or no promtool, 3 FILE cannot be read, or promtool failed.
`

/** `lagkeeper replay FILE`: what would have been said about a recording. Returns the exit code. */
export async function replayCommand(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    io.stdout.write(USAGE)
    return 0
  }
  try {
    const options = parseReplayArguments(argv, io)
    const report = await replay(options, io)
    io.stdout.write(options.json ? `${JSON.stringify(report)}\n` : replayText(report))
    const { alerts = [], objectives } = report
    const isTold = options.rules === undefined ? objectives.some(({ broken }) => broken.length > 0) : alerts.length > 0
    return isTold ? 1 : 0
  } catch (error) {
    if (error instanceof ConfigError) {
      io.stderr.write(`${error.problems.join('\n')}\n\nSee lagkeeper replay --help\n`)
      return 2
    }
    if (io.signal.aborted || error instanceof DecodeError || error instanceof UnavailableError) {
      io.stderr.write(`${io.signal.aborted ? 'Interrupted' : describeError(error)}\n`)
      return 3
    }
    throw error
  }
}

async function replay(options: ReplayArguments, io: Io): Promise<ReplayReport> {
  const asked = options.rules === undefined ? undefined : await prepareRules(options.rules, io)
  const { head, cycles } = await openRecording(options.file, io.signal)
  const { windowMs, promises } = options
  const snapshots = createReplay({ head, windowMs, ...promises(head.kafkaCluster) })
  const timeline = createTimeline(head.intervalMs)
  const alerts = asked && createAlertReplay(asked.rules, head.intervalMs)
  let span: Stretch | undefined
  let next = await cycles.next()
  for (; next.done !== true; next = await cycles.next()) {
    const snapshot = await snapshots.snapshot(next.value)
    await runInTurns(timeline.take(snapshot))
    await alerts?.take(snapshot)
    span = { from: span?.from ?? snapshot.takenAtWall, to: snapshot.takenAtWall }
    if (io.stderr.isTTY === true) io.stderr.write(`\r${snapshot.cycle} cycles `)
  }
  if (io.stderr.isTTY === true) io.stderr.write(alerts === undefined ? '\r\u001b[K' : '\r\u001b[Kasking promtool … ')
  const outcome = asked && (await outcomeOf(alerts, asked.promtool, io))
  if (io.stderr.isTTY === true) io.stderr.write('\r\u001b[K')
  return replayReport({
    head,
    end: next.value,
    span,
    timeline,
    ...(outcome === undefined ? {} : { outcome }),
    ...(asked === undefined ? {} : { rules: asked.rules }),
  })
}

async function prepareRules(
  paths: readonly string[],
  io: Io,
): Promise<{ readonly rules: Rules; readonly promtool: Promtool }> {
  const promtool = await findPromtool(io.env, io.signal)
  return { promtool, rules: readRules(paths) }
}

async function outcomeOf(alerts: AlertReplay | undefined, promtool: Promtool, io: Io) {
  return alerts?.evaluate(promtool, io.signal)
}
