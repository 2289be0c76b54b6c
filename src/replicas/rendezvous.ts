import { createHash } from 'node:crypto'

/**
 * Which of the members a key belongs to: the one that scores highest for it (rendezvous hashing). The same everywhere,
 * in whatever order the members come; who comes takes its even share, who goes leaves its keys to all others alike, and
 * no other key moves.
 */
export function winnerOf(key: string, ids: Iterable<string>): string | undefined {
  let winner: string | undefined
  let highest = ''
  for (const id of ids) {
    const score = scoreOf(key, id)
    if (score <= highest) continue
    winner = id
    highest = score
  }
  return winner
}

/** Ids are names of znodes and have no slash: no two pairs of key and id are the same text. */
function scoreOf(key: string, id: string): string {
  return createHash('sha256').update(`${id}/${key}`).digest('hex')
}
