import type { Io } from '../../src/commands/io.ts'

/** The process of a command, with what it printed. */
export function captureIo(
  options: { readonly isTTY?: boolean; readonly env?: Record<string, string>; readonly signal?: AbortSignal } = {},
): {
  readonly io: Io
  out(): string
  err(): string
} {
  const printed = { out: '', err: '' }
  return {
    out: () => printed.out,
    err: () => printed.err,
    io: {
      stdout: {
        write: (text) => {
          printed.out += text
        },
        isTTY: options.isTTY === true,
        columns: 120,
      },
      stderr: {
        write: (text) => {
          printed.err += text
        },
        isTTY: false,
      },
      env: options.env ?? {},
      signal: options.signal ?? new AbortController().signal,
    },
  }
}
