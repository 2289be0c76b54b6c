import type { Evidence } from '../../src/model/evidence.ts'

/** Wall and monotonic clock of every fake snapshot: 2025-01-01T00:01:40Z, 100 s after the start of the process. */
export const TAKEN_AT_WALL = Date.UTC(2025, 0, 1, 0, 1, 40)
export const TAKEN_AT = 100_000

export function fakeEvidence(api: string, correlation: number, version = 1): Evidence {
  return { from: '1@broker1:9092', api, version, correlation, sentAt: 99_000, receivedAt: 99_005, code: 0 }
}
