import { constants, fstatSync, openSync } from 'node:fs'
import pino from 'pino'

type Log = (fields: Readonly<Record<string, unknown>>, message: string) => void

/** Structured logger: messages are constant strings, data goes into fields. */
export interface Logger {
  readonly debug: Log
  readonly info: Log
  readonly warn: Log
  readonly error: Log
  /** A logger that adds `fields` to every line. */
  child(fields: Readonly<Record<string, unknown>>): Logger
}

/** The least important first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
type LogLevel = (typeof logLevels)[number]
/** `auto`: text on a terminal, else JSON. */
export const logFormats = ['auto', 'json', 'text'] as const

/** The logger of the whole process. */
export interface RootLogger extends Logger {
  /** From now on, for all its children too. */
  setLevel(level: LogLevel): void
  /** The process is about to end: lines that nobody reads hold it up for a second and no longer. */
  end(): void
}

const endMs = 1_000

/** Logs to standard error, so that standard output stays free for tables and JSON. */
export function createLogger(level: LogLevel, format: (typeof logFormats)[number]): RootLogger {
  const isJson = format === 'json' || (format === 'auto' && !process.stderr.isTTY)
  const options: pino.LoggerOptions = {
    level: 'debug',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  }
  // A reader of our log that stops reading must not stop us: past 1 MiB of waiting lines new ones are dropped.
  let triesUntil = Number.POSITIVE_INFINITY
  const target = pino.destination({
    dest: standardError(),
    sync: false,
    maxLength: 1 << 20,
    retryEAGAIN: () => performance.now() < triesUntil,
  })
  // Nobody is left to tell.
  target.on('error', () => {
    target.write = () => false
    target.destroy()
  })
  const root = isJson ? pino(options, target) : pino(options, { write: (line) => target.write(asText(line)) })
  let least = logLevels.indexOf(level)
  return {
    ...wrap(root, (line) => logLevels.indexOf(line) >= least),
    setLevel: (next) => {
      least = logLevels.indexOf(next)
    },
    end: () => {
      triesUntil = performance.now() + endMs
    },
  }
}

/**
 * Standard error; a pipe is opened once more so that a write to a full one fails at once. A write that waits would sit in
 * a thread which the end of the process waits for.
 */
function standardError(): number {
  const fd = 2
  try {
    if (fstatSync(fd).isFIFO()) return openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    // Where there is no /proc it stays as it is.
  }
  return fd
}

/** A logger that says nothing, for tests and one-shot commands. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
}

/** Asks at each line whether it is important enough: a child of pino keeps the level that it was made with. */
function wrap(target: pino.Logger, isWanted: (level: LogLevel) => boolean): Logger {
  const at =
    (level: LogLevel): Log =>
    (fields, message) => {
      if (isWanted(level)) target[level](fields, message)
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(target.child(fields), isWanted),
  }
}

/** One JSON line of pino as `time level message key=value`; control characters stay escaped, so a name cannot forge a line. */
function asText(line: string): string {
  const { time, level, msg, ...fields }: Record<string, unknown> = JSON.parse(line)
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${plain(value)}`)
  return `${String(time)} ${String(level).padEnd(5)} ${String(msg)}${rest.length > 0 ? ` ${rest.join(' ')}` : ''}\n`
}

function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[\w.:/@+-]+$/.test(text) ? text : JSON.stringify(text)
}
