/** Compares dotted versions as numbers: `isAtLeast('0.10.2.2', '0.9.0')` is true. Missing parts count as 0. */
export function isAtLeast(version: string, least: string): boolean {
  const have = version.split('.').map(Number)
  const want = least.split('.').map(Number)
  for (let index = 0; index < Math.max(have.length, want.length); index++) {
    const difference = (have[index] ?? 0) - (want[index] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}
