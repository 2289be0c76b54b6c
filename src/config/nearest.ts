/** The known word that was probably meant, or undefined when none is near (two slips, fewer in short words). */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const allowed = Math.min(2, Math.floor(word.length / 3))
  let best: string | undefined
  let bestDistance = allowed + 1
  for (const candidate of known) {
    const far = Math.abs(candidate.length - word.length) > allowed
    const distance = far ? bestDistance : editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function editDistance(a: string, b: string): number {
  let older: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? older[j - 2]! + 1 : replaced
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, replaced, swapped))
    }
    older = previous
    previous = row
  }
  return previous[b.length]!
}
