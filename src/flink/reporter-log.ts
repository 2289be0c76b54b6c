import type { Clock } from '../runtime/clock.ts'
import { UnavailableError } from '../runtime/errors.ts'
import { encoded, type RestHttp, refusal } from './rest-http.ts'
import { logFile, member, readList } from './rest-shapes.ts'

/** For everything that one process costs; TaskManagers that died hold their requests up for longer. */
const deadlineMs = 10_000
/** The line is among the first, but a process that was started again may append to the log of its forerunner. */
const mostBytes = 16 * 1024 * 1024
const mostRotated = 3

/** What a log says about ports: which it took, and which process it was, if it said so next. */
export interface LoggedPort {
  readonly port: number
  /** Id of the TaskManager; absent in logs of JobManagers. */
  readonly process?: string
}

/** See FlinkRest.reporterPort. */
export async function readReporterPort(
  http: RestHttp,
  clock: Clock,
  process: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const isJobManager = process === 'jobmanager'
  const name = encoded(process)
  if (name === undefined) return undefined
  const path = isJobManager ? '/jobmanager' : `/taskmanagers/${name}`
  const endsAt = clock.monotonic() + deadlineMs
  const scan = async (file: string): Promise<{ status: number; ports: readonly LoggedPort[] }> => {
    const scanner = createLogScanner()
    const limits = { deadlineMs: Math.max(1, endsAt - clock.monotonic()), mostBytes }
    try {
      const status = await http.text(`${path}${file}`, limits, signal, scanner.push)
      return { status, ports: scanner.end() }
    } catch (error) {
      const ports = scanner.end()
      if (ports.length > 0 && !signal.aborted) return { status: 200, ports }
      throw error
    }
  }

  const own = await scan('/log')
  const port = portOf(own.ports, process, true)
  if (port !== undefined) return port
  for (const file of await rotatedLogs(http, `${path}/logs`, signal)) {
    if (clock.monotonic() >= endsAt) break
    const found = portOf((await scan(`/logs/${file}`)).ports, process, isJobManager)
    if (found !== undefined) return found
  }
  if (own.status !== 200) throw refusal(`Read ${http.url}${path}/log`, { status: own.status, value: undefined })
  return undefined
}

/** Encoded names of logs that were rolled over, the oldest first; none where there is no list (before 1.11). */
async function rotatedLogs(http: RestHttp, path: string, signal: AbortSignal): Promise<readonly string[]> {
  const answer = await http.json(path, signal).catch((error: unknown) => {
    if (signal.aborted || !(error instanceof UnavailableError)) throw error
    return undefined
  })
  const list = await readList(member(answer?.value, 'logs'), 'Log', logFile)
  return (list?.elements ?? [])
    .filter(({ name }) => /\.log\.[\w-]+$/.test(name) && !name.endsWith('.gz'))
    .sort((one, other) => (one.mtime ?? 0) - (other.mtime ?? 0) || (one.name < other.name ? -1 : 1))
    .flatMap(({ name }) => encoded(name) ?? [])
    .slice(0, mostRotated)
}

/** The last port that this process took; where the log is not surely its own, only what it says about it by name. */
function portOf(ports: readonly LoggedPort[], process: string, isOwnLog: boolean): number | undefined {
  const named = ports.findLast((one) => one.process === process)
  const nameless = ports.findLast((one) => one.process === undefined)
  return (named ?? (isOwnLog ? nameless : undefined))?.port
}

/** Finds the lines of interest in a log that comes in pieces. */
export function createLogScanner(): { push(piece: string): void; end(): readonly LoggedPort[] } {
  const ports: { port: number; process?: string }[] = []
  let rest = ''
  const read = (text: string): void => {
    for (const [, port, id] of text.matchAll(lines)) {
      const last = ports.at(-1)
      if (port !== undefined) ports.push({ port: Number(port) })
      else if (id !== undefined && last !== undefined && last.process === undefined)
        // On YARN the address of the NodeManager stands behind it.
        last.process = id.replace(/\([^()]*\)$/, '')
    }
  }
  return {
    push: (piece) => {
      const text = rest + piece
      const end = text.lastIndexOf('\n') + 1
      read(text.slice(0, end))
      rest = text.slice(Math.max(end, text.length - 4_096))
    },
    end: () => {
      read(rest)
      rest = ''
      return ports
    },
  }
}

/** Both texts are the same from 1.8 to 2.2; a TaskManager names itself right after its reporters have started. */
const lines = /Started PrometheusReporter HTTP server on port (\d{1,5})\b|Starting TaskManager with ResourceID: (\S+)/g
