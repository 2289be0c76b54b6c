/** A stream that a command prints to; `process.stdout` is one. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** Everything a command may touch of its process, handed in by `main`, so that a test can watch it. */
export interface Io {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts when the command shall end. */
  readonly signal: AbortSignal
  /** Calls the listener at each SIGHUP; the returned function ends that. */
  readonly onHangUp?: (listener: () => void) => () => void
}
