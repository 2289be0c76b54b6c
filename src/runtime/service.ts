import type { Clock } from './clock.ts'
import { ConfigError, describeError, InvariantError } from './errors.ts'
import type { Logger } from './logger.ts'
import { backOff, gentle } from './retry.ts'

/** Something that lives as long as the daemon wants it. */
export interface Service {
  readonly name: string
  /**
   * Works until the signal aborts and resolves when its own sockets and timers are gone. A rejection is a failure: the
   * supervisor starts it again after a while. An InvariantError ends the process, and so does a ConfigError, which only
   * the user can cure (a port that is taken).
   */
  run(signal: AbortSignal): Promise<void>
}

export interface Supervisor {
  /** From now on exactly these run: new ones start, missing ones stop, one whose object changed is replaced. */
  want(services: readonly Service[]): void
  /** Runs until the signal aborts and every service has settled; rejects with the first InvariantError or ConfigError. */
  run(signal: AbortSignal): Promise<void>
}

interface Running {
  readonly service: Service
  readonly stop: AbortController
  readonly done: Promise<void>
}

/** Keeps the wanted services running, each on its own: one that fails is restarted alone, with back-off. */
export function createSupervisor(deps: { readonly clock: Clock; readonly logger: Logger }): Supervisor {
  const running = new Map<string, Running>()
  let wanted: readonly Service[] = []
  let changed: () => void = () => undefined
  let fatal: InvariantError | ConfigError | undefined

  async function keep(service: Service, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; !signal.aborted; attempt++) {
      const startedAt = deps.clock.monotonic()
      try {
        await service.run(signal)
        if (signal.aborted) return
        deps.logger.error({ service: service.name }, 'Service ended by itself')
      } catch (error) {
        if (error instanceof InvariantError || error instanceof ConfigError) {
          fatal ??= error
          changed()
          return
        }
        if (signal.aborted) return
        deps.logger.error({ service: service.name, error: describeError(error) }, 'Service failed')
      }
      if (deps.clock.monotonic() - startedAt > gentle.maxMs) attempt = 1
      await backOff(gentle, attempt, deps.clock, signal)
    }
  }

  function start(service: Service): void {
    const stop = new AbortController()
    running.set(service.name, { service, stop, done: keep(service, stop.signal) })
  }

  /** Brings what runs in line with what is wanted; a replaced service starts only after its predecessor has settled. */
  async function reconcile(): Promise<void> {
    const names = new Map(wanted.map((service) => [service.name, service]))
    const leaving = [...running.values()].filter((one) => names.get(one.service.name) !== one.service)
    for (const one of leaving) one.stop.abort()
    await Promise.all(leaving.map((one) => one.done))
    for (const one of leaving) running.delete(one.service.name)
    for (const service of names.values()) if (!running.has(service.name)) start(service)
  }

  return {
    want: (services) => {
      wanted = services
      changed()
    },
    run: async (signal) => {
      const onAbort = (): void => changed()
      signal.addEventListener('abort', onAbort)
      try {
        while (!signal.aborted && fatal === undefined) {
          const next = new Promise<void>((resolve) => {
            changed = resolve
          })
          await reconcile()
          if (!signal.aborted && fatal === undefined) await next
        }
      } finally {
        signal.removeEventListener('abort', onAbort)
        wanted = []
        await reconcile()
      }
      if (fatal !== undefined) throw fatal
    },
  }
}
