import type { Reason } from '../model/reason.ts'

/** What the cycle tells whoever counts: the daemon's own metrics. Names are those of the metric labels. */
export interface CollectObserver {
  request(kafkaCluster: string, api: string): void
  decodeError(peer: string): void
  /** After each cycle and source: whether it could be read at all, and why parts of it could not. */
  source(source: string, name: string, result: { readonly up: boolean; readonly reasons: readonly Reason[] }): void
  /** How long a cycle took, and how far apart they are to begin. */
  cycle(kafkaCluster: string, durationMs: number, intervalMs: number): void
}

export const silentObserver: CollectObserver = {
  request: () => undefined,
  decodeError: () => undefined,
  source: () => undefined,
  cycle: () => undefined,
}
