/** What somebody who is not its JobManager says of a process. */
export type Opinion =
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly why: string }
  /** He did not answer, or does not know the process. */
  | { readonly kind: 'unknown'; readonly why: string }

/** Whether a container on this host runs; rejects only when the signal aborts. */
export type SecondOpinion = (container: string, host: string, signal: AbortSignal) => Promise<Opinion>
