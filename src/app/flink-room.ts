import { turn } from '../runtime/breathe.ts'
import { InvariantError } from '../runtime/errors.ts'
import type { createFlinkPart, FlinkPart, FlinkPartDeps } from './flink-part.ts'
import type { Effective } from './reloading.ts'

/** The code that only those need who watch Flink clusters; nobody else waits for it at the start. */
export interface FlinkRoom {
  /** Resolves when all code is there that a configuration asks for; undefined when it is there already. */
  prepare(effective: Effective): Promise<void> | undefined
  /** The configuration must have been prepared for. */
  create(deps: FlinkPartDeps): FlinkPart
}

export function createFlinkRoom(): FlinkRoom {
  let create: typeof createFlinkPart | undefined

  return {
    prepare: ({ config, demo }) => {
      const isAsked = demo || config.flink.length + config.yarn.length > 0
      if (!isAsked || create !== undefined) return undefined
      return load().then((loaded) => {
        create = loaded
      })
    },
    create: (deps) => {
      if (create === undefined) throw new InvariantError('Watch Flink clusters: their code was not loaded')
      return create(deps)
    },
  }
}

/** In three turns: a reload may be what asks for it, and as one step it would hold the event loop for 80 ms. */
async function load(): Promise<typeof createFlinkPart> {
  // Node loads its own fetch when it is first named, which axios does.
  void globalThis.Response
  await turn()
  await import('../flink/rest-http.ts')
  await turn()
  return (await import('./flink-part.ts')).createFlinkPart
}
