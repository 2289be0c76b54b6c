import type { Incarnation } from '../model/registration.ts'
import type { Target } from '../model/target.ts'
import type { Claims } from '../targets/claims.ts'
import { type Held, readHeld } from '../targets/member-document.ts'
import { memberPath } from '../targets/member-name.ts'
import type { TreeNode } from '../zookeeper/tree-read.ts'

/** Which other replica has a registration, as its znode says or said. */
export interface HeldElsewhere {
  /** Who has the znode that counts for an id. */
  holderOf(id: string): string | undefined
  /** Also of one whose znode is gone without a word: its replica may have it in its journal still. */
  find(id: string): FoundElsewhere | undefined
  lost(target: Target, node: TreeNode): void
  /** It is ours now, or has ended. */
  forget(id: string): void
}

export interface FoundElsewhere extends Held {
  readonly incarnation: Incarnation
  /** Its znode is there. */
  readonly isThere: boolean
}

export interface HeldElsewhereDeps {
  readonly root: string
  readonly self: string | undefined
  readonly claims: Pick<Claims, 'lifeOf' | 'at'>
  readonly nodes: () => ReadonlyMap<string, TreeNode> | undefined
}

/** The oldest are forgotten: most are of replicas that came back long ago. */
const mostLost = 100_000

export function createHeldElsewhere({ root, self, claims, nodes }: HeldElsewhereDeps): HeldElsewhere {
  const lost = new Map<string, FoundElsewhere>()

  function atZnode(id: string): FoundElsewhere | undefined {
    const life = claims.lifeOf(id)
    if (life === undefined) return undefined
    const { registration } = life
    const path = `${root}/${memberPath(registration, registration.incarnation)}`
    // Ours is no claim of a znode, and what is seen there may be what we took over a moment ago.
    const node = claims.at(path) === life ? nodes()?.get(path) : undefined
    const held = node && readHeld(node.data)
    return held && { ...held, incarnation: registration.incarnation, isThere: true }
  }

  return {
    holderOf: (id) => atZnode(id)?.holder,
    find: (id) => {
      const found = atZnode(id) ?? lost.get(id)
      return found?.holder === self ? undefined : found
    },
    forget: (id) => {
      lost.delete(id)
    },
    lost: ({ registration: { id, incarnation } }, node) => {
      const held = readHeld(node.data)
      if (held?.record === undefined) return
      lost.delete(id)
      lost.set(id, { ...held, incarnation, isThere: false })
      const [oldest] = lost.keys()
      if (lost.size > mostLost && oldest !== undefined) lost.delete(oldest)
    },
  }
}
