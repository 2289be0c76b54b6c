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

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
/** `auto`: text on a terminal, else JSON. */
export const logFormats = ['auto', 'json', 'text'] as const

/** Logs to standard error, so that standard output stays free for tables and JSON. */
export function createLogger(level: (typeof logLevels)[number], format: (typeof logFormats)[number]): Logger {
  const isJson = format === 'json' || (format === 'auto' && !process.stderr.isTTY)
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  }
  // A reader of our log that stops reading must not stop us: past 1 MiB of waiting lines new ones are dropped.
  const target = pino.destination({ dest: 2, sync: false, maxLength: 1 << 20 })
  return wrap(isJson ? pino(options, target) : pino(options, { write: (line) => target.write(asText(line)) }))
}

/** A logger that says nothing, for tests and one-shot commands. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
}

function wrap(target: pino.Logger): Logger {
  return {
    debug: (fields, message) => target.debug(fields, message),
    info: (fields, message) => target.info(fields, message),
    warn: (fields, message) => target.warn(fields, message),
    error: (fields, message) => target.error(fields, message),
    child: (fields) => wrap(target.child(fields)),
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
