import { opcodes } from './opcodes.ts'

/** What a server may not know yet: create2 and createContainer came with 3.5, multiRead and addWatch with 3.6. */
export type Feature = 'create2' | 'createContainer' | 'multiRead' | 'addWatch'

const byOpcode: ReadonlyMap<number, Feature> = new Map([
  [opcodes.create2, 'create2'],
  [opcodes.createContainer, 'createContainer'],
  [opcodes.multiRead, 'multiRead'],
  [opcodes.addWatch, 'addWatch'],
  [opcodes.setWatches2, 'addWatch'],
])

/** Features that came in the same release: one answer, positive or negative, is taken for both until shown otherwise. */
const twin: Readonly<Record<Feature, Feature>> = {
  create2: 'createContainer',
  createContainer: 'create2',
  multiRead: 'addWatch',
  addWatch: 'multiRead',
}

export interface Features {
  /** undefined: not known yet. */
  known(server: string, feature: Feature): boolean | undefined
  learn(server: string, feature: Feature, isSupported: boolean): void
  /** Learns from the answer to any request. */
  learnFromReply(server: string, opcode: number, isUnimplemented: boolean): void
  /** The server may come back as another version. */
  forget(server: string): void
}

/** What is known of each server's abilities. */
export function createFeatures(): Features {
  const exact = new Map<string, boolean>()
  const guessed = new Map<string, boolean>()
  const key = (server: string, feature: Feature): string => `${server} ${feature}`

  function learn(server: string, feature: Feature, isSupported: boolean): void {
    exact.set(key(server, feature), isSupported)
    guessed.set(key(server, twin[feature]), isSupported)
  }

  return {
    known: (server, feature) => exact.get(key(server, feature)) ?? guessed.get(key(server, feature)),
    learn,
    learnFromReply: (server, opcode, isUnimplemented) => {
      const feature = byOpcode.get(opcode)
      if (feature !== undefined) learn(server, feature, !isUnimplemented)
    },
    forget: (server) => {
      for (const table of [exact, guessed])
        for (const known of table.keys()) if (known.startsWith(`${server} `)) table.delete(known)
    },
  }
}
