import { createHash } from 'node:crypto'
import type { WorldOptions } from './world.ts'

/** Two teams, each with a token for its own namespace; what a token may is little enough to be used up in a test. */
export const tokens = {
  teamA: 'canary-token-of-team-a-5d1c',
  teamB: 'canary-token-of-team-b-90ef',
  quota: 5_000,
  perSecond: 50,
} as const

/** As in `registration.tokens[].sha256`. */
export function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

export function bearer(token: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${token}` }
}

/** A daemon that knows the tokens; neither they nor their digests may stand in anything it says. */
export const tokenWorld = (): WorldOptions => ({
  files: { 'team-b.sha256': digest(tokens.teamB) },
  secrets: [tokens.teamA, tokens.teamB, digest(tokens.teamA), digest(tokens.teamB)],
  yaml: (folder) => {
    const a = `name: team-a, sha256: "${digest(tokens.teamA)}", namespaces: [teama], scopes: [register]`
    const b = `name: team-b, sha256_file: "${folder}/team-b.sha256", namespaces: [teamb], scopes: [register]`
    return `registration:\n  tokens:\n    - { ${a}, quota: ${tokens.quota}, rate: ${tokens.perSecond}, allowed_ports: [9000-9999] }\n    - { ${b} }`
  },
})
