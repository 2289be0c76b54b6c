import type { Registration } from '../model/registration.ts'
import { addressKey, type Target } from '../model/target.ts'
import type { Clock } from '../runtime/clock.ts'
import type { IdentityBook } from './identity-book.ts'

export interface ChallengeDeps {
  readonly clock: Clock
  readonly identities: IdentityBook
  /** Who has an address now. */
  readonly ownerAt: (key: string) => Target | undefined
}

/** An owner whose process is certainly not at its address any more. */
interface Outlived {
  readonly owner: Target
  readonly why: string
}

/**
 * To be called before registrations are judged. An address of another namespace may be taken only when its owner's
 * process is not there any more: those whose addresses are wanted are looked at now. Answers within seconds with those of
 * whom that is certain.
 */
export type Challenge = (coming: readonly Registration[]) => Promise<readonly Outlived[]>

/** Whoever asks for many addresses of others must not keep the prober busy for minutes: the rest are conflicts as ever. */
const mostAtOnce = 64
const deadlineMs = 4_000

export function createChallenge({ clock, identities, ownerAt }: ChallengeDeps): Challenge {
  let running = 0

  function ownersOf(coming: readonly Registration[]): ReadonlySet<Target> {
    const owners = new Set<Target>()
    for (const one of coming) {
      if (running + owners.size >= mostAtOnce) break
      const owner = ownerAt(addressKey(one))
      if (owner === undefined || owner.registration.namespace === one.namespace || owner.state === 'lingering') continue
      owners.add(owner)
    }
    return owners
  }

  async function look({ registration }: Target): Promise<Outlived | undefined> {
    running++
    try {
      const { verdict, why } = await identities.check(registration)
      const owner = ownerAt(addressKey(registration))
      if (owner?.registration !== registration || (verdict !== 'other' && verdict !== 'gone')) return undefined
      return { owner, why: `its address was asked for: ${why}` }
    } finally {
      running--
    }
  }

  return async (coming) => {
    const owners = ownersOf(coming)
    if (owners.size === 0) return []
    const outlived: Outlived[] = []
    const done = new AbortController()
    const looks = Array.from(owners, async (owner) => {
      const found = await look(owner)
      if (found !== undefined) outlived.push(found)
    })
    void Promise.all(looks).then(() => done.abort())
    await clock.sleep(deadlineMs, done.signal)
    return [...outlived]
  }
}
