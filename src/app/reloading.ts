import type { WebConfig } from '../config/web-config.ts'
import type { Reloaded } from '../http/reload.ts'
import { ConfigError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { fingerprint } from './fingerprint.ts'
import type { Config } from './schema.ts'

/** A configuration as it was read. */
export interface Effective {
  readonly config: Config
  readonly demo: boolean
  /** What `web.config_file` says, when there is one. */
  readonly web?: WebConfig
}

export interface ReloadingDeps {
  /** @throws ConfigError with every problem */
  readonly read: () => Effective
  /** Fetches what a configuration needs before it can be applied; undefined when all is there. */
  readonly prepare: (effective: Effective) => Promise<void> | undefined
  /** Makes a configuration the one that counts; answers with all that runs from now on. @throws ConfigError */
  readonly apply: (effective: Effective) => readonly Service[]
  /** Told how each reload came out. */
  readonly onReload: (isSuccessful: boolean) => void
  readonly logger: Logger
}

/** Blocks and options on which everything else is built: to change one is to begin anew. */
const fixed: readonly (readonly [string, (effective: Effective) => unknown])[] = [
  ['web.listen_address', ({ config }) => config.web.listen_address],
  ['web.advertise_url', ({ config }) => config.web.advertise_url],
  ['storage', ({ config }) => config.storage],
  ['zookeeper', ({ config }) => config.zookeeper],
  ['log.format', ({ config }) => config.log.format],
  ['demo', ({ demo }) => demo],
]

/** Reads the configuration again whenever it is called. One that is not valid, or asks for a restart, changes nothing. */
export function createReloading(
  first: Effective,
  running: () => readonly Service[],
  deps: ReloadingDeps,
): () => Promise<Reloaded> {
  const { read, prepare, apply, onReload, logger } = deps
  const began = new Map(fixed.map(([name, of]) => [name, fingerprint(of(first))]))

  async function next(): Promise<Reloaded> {
    let effective = read()
    // What is there after the wait counts: another reload may have come and gone meanwhile.
    for (let wait = prepare(effective); wait !== undefined; wait = prepare(effective)) {
      await wait
      effective = read()
    }
    const problems = fixed
      .filter(([name, of]) => began.get(name) !== fingerprint(of(effective)))
      .map(([name]) => `${name}: changed, expected as it was at the start; restart Lagkeeper to change it`)
    if (problems.length > 0) return { problems }
    const before = running()
    return { changed: differences(before, apply(effective)) }
  }

  return async () => {
    let done: Reloaded
    try {
      done = await next()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      done = { problems: error.problems }
    }
    onReload('changed' in done)
    if ('changed' in done) logger.info({ changed: done.changed }, 'Configuration reloaded')
    else logger.error({ problems: done.problems }, 'Configuration not reloaded, the old one stays')
    return done
  }
}

/** Names of services that are new, gone or replaced. */
function differences(before: readonly Service[], after: readonly Service[]): readonly string[] {
  const changed = [...before.filter((one) => !after.includes(one)), ...after.filter((one) => !before.includes(one))]
  return [...new Set(changed.map(({ name }) => name))].toSorted()
}
