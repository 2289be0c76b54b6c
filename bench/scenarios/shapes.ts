/** What the behaviours of several scenarios are made of. Times are seconds. */
export const MINUTE = 60
export const HOUR = 3_600

/** Records a second. */
export const busy = (): number => 1_000
export const oneAMinute = (second: number): number => (second % MINUTE === 17 ? 1 : 0)
export const nothing = (): number => 0
/** Checkpoints. */
export const everyMinute = { everySeconds: MINUTE, takesSeconds: 6 }
export const everyTenMinutes = { everySeconds: 600, takesSeconds: 45 }
export const autoCommit = { everySeconds: 5, takesSeconds: 2 }

export const before =
  (end: number) =>
  (second: number): boolean =>
    second < end
export const outside =
  (from: number, to: number) =>
  (second: number): boolean =>
    second < from || second >= to

export const batch = (records: number, at: number, lasts: number) => (second: number) =>
  second >= at && second < at + lasts ? records / lasts : 0
