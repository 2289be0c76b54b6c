import { loadWebConfig, type WebConfig } from '../config/web-config.ts'
import { type Protection, unprotected } from '../http/protection.ts'
import type { Clock } from '../runtime/clock.ts'
import { ConfigError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { fingerprint } from './fingerprint.ts'
import type { Effective } from './reloading.ts'

/** How the HTTP server is protected: what `web.config_file` said when it was last right. */
export interface WebProtection extends Service {
  current(): Protection
  /** Takes what a start or a reload has read. */
  use(effective: Effective): void
}

export interface WebProtectionDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** Told after each look whether the file is right. */
  readonly onLook: (isRight: boolean) => void
}

/** Certificates are exchanged by programs that tell nobody. */
const lookEveryMs = 5_000

/**
 * Reads the file and those it names again every few seconds, and takes what has changed. What is wrong changes nothing,
 * and is said once: a certificate whose key is still being written is right at the next look.
 */
export function createWebProtection(first: Effective, { clock, logger, onLook }: WebProtectionDeps): WebProtection {
  let { config, web } = first
  let problem = ''

  function look(): void {
    const { config_file: path } = config.web
    if (path === undefined) return
    try {
      const read = loadWebConfig(path)
      if (printOf(read) !== printOf(web)) {
        web = read
        logger.info({ path }, 'Web configuration reloaded')
      } else if (problem !== '') logger.info({ path }, 'Web configuration is right again')
      problem = ''
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      if (error.message !== problem)
        logger.error({ path, problems: error.problems }, 'Web configuration not reloaded, the old one stays')
      problem = error.message
    }
    onLook(problem === '')
  }

  return {
    name: 'web-config',
    run: (signal) => poll({ intervalMs: lookEveryMs, clock }, signal, async () => look()),
    current: () => web ?? unprotected,
    use: (effective) => {
      ;({ config, web } = effective)
      problem = ''
    },
  }
}

function printOf(web: WebConfig | undefined): string {
  return fingerprint({ ...web, users: [...(web?.users ?? [])] })
}
