import type { Clock } from '../runtime/clock.ts'
import { describeError } from '../runtime/errors.ts'
import { type ReporterSettings, reporterSettings } from './reporter-settings.ts'
import { type RestAnswer, type RestHttp, refusal } from './rest-http.ts'
import { problemOf, readList, settingEntry, versionEntry } from './rest-shapes.ts'

/** What a JobManager has for life. */
export interface KnownSettings {
  readonly version?: string
  readonly reporters?: readonly ReporterSettings[]
  /** On YARN the application, unless somebody gave it another name. */
  readonly clusterId?: string
  /** What could not be read, as sentences. */
  readonly problems: readonly string[]
  /** Monotonic milliseconds. */
  readonly takenAt: number
}

/** Asked again all the same: a JobManager may have been replaced between two looks without a trace. */
const longestMs = 10 * 60_000

/** Asks for what is not known yet; never rejects but on abort. */
export async function readSettings(
  http: RestHttp,
  clock: Clock,
  known: KnownSettings | undefined,
  signal: AbortSignal,
): Promise<KnownSettings> {
  const now = clock.monotonic()
  const old = known === undefined || now - known.takenAt > longestMs ? undefined : known
  const problems: string[] = []

  const ask = async (path: string): Promise<RestAnswer | undefined> => {
    try {
      const answer = await http.json(path, signal)
      if (answer.status === 200) return answer
      problems.push(refusal(`Read ${http.url}${path}`, answer).message)
    } catch (error) {
      signal.throwIfAborted()
      problems.push(describeError(error))
    }
    return undefined
  }

  const readVersion = async (): Promise<string | undefined> => {
    for (const path of ['/config', '/overview']) {
      const answer = await ask(path)
      if (answer === undefined) continue
      const read = versionEntry.safeParse(answer.value)
      if (read.success) return read.data['flink-version']
      problems.push(`Read ${http.url}${path}: ${problemOf(read.error)}`)
    }
    return undefined
  }

  const readConfiguration = async (): Promise<Configured | undefined> => {
    const path = '/jobmanager/config'
    const answer = await ask(path)
    if (answer === undefined) return undefined
    const list = await readList(answer.value, 'Setting', settingEntry)
    if (list !== undefined) {
      const settings = new Map(list.elements.map(({ key, value }) => [key, value]))
      const clusterId = settings.get('high-availability.cluster-id')
      return { reporters: reporterSettings(settings), ...(clusterId === undefined ? {} : { clusterId }) }
    }
    problems.push(`Read ${http.url}${path}: there is no list of settings`)
    return undefined
  }

  const [newVersion, newConfiguration] = await Promise.all([
    old?.version ?? readVersion(),
    configured(old) ?? readConfiguration(),
  ])
  // What was asked again without success stays as it was.
  const version = newVersion ?? known?.version
  const { reporters, clusterId } = newConfiguration ?? configured(known) ?? {}
  return {
    takenAt: old?.takenAt ?? now,
    // Of a version that the second place had after all nothing is missing.
    problems: version === undefined || reporters === undefined ? problems : [],
    ...(version === undefined ? {} : { version }),
    ...(reporters === undefined ? {} : { reporters }),
    ...(clusterId === undefined ? {} : { clusterId }),
  }
}

interface Configured {
  readonly reporters: readonly ReporterSettings[]
  readonly clusterId?: string
}

function configured(known: KnownSettings | undefined): Configured | undefined {
  if (known?.reporters === undefined) return undefined
  return { reporters: known.reporters, ...(known.clusterId === undefined ? {} : { clusterId: known.clusterId }) }
}
