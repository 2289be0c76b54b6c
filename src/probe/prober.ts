import type { Registration } from '../model/registration.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError } from '../runtime/errors.ts'
import { formatAddress, parseAddress } from '../targets/parse-address.ts'
import { judgePage, type ProbeResult } from '../targets/process-identity.ts'
import { createGate } from './gate.ts'
import { type PageLimits, readPage } from './read-page.ts'

export interface ProberOptions extends Partial<PageLimits> {
  /** Networks that we are in: elsewhere the same address is somebody else. `default` by default. */
  readonly zones?: readonly string[]
  /** Of all probes together; 32 by default. */
  readonly mostAtOnce?: number
  /** How many begin in a second; 100 by default. */
  readonly mostPerSecond?: number
}

export interface ProberDeps {
  readonly clock: Clock
  /** Why an IP address may not be asked; undefined when it may. */
  readonly guard: (ip: string) => string | undefined
}

export interface Prober {
  /**
   * Asks the metrics page of a registration which process it is, and compares with what was `known` of it. Never
   * rejects; when the signal aborts the verdict is `unknown`. Only a literal IP address that the guard allows is ever
   * connected to; no redirect is followed, and the certificate of an https target is not checked, since nothing secret
   * is sent and how to check it is known to Prometheus only.
   */
  probe(registration: Registration, known: string | undefined, signal: AbortSignal): Promise<ProbeResult>
}

export function createProber(options: ProberOptions, { clock, guard }: ProberDeps): Prober {
  const { mostAtOnce = 32, mostPerSecond = 100, deadlineMs = 3_000, mostBytes = 2 * 1024 * 1024 } = options
  const zones = new Set(options.zones ?? ['default'])
  const gate = createGate({ mostAtOnce, mostPerSecond, clock })

  return {
    probe: async (registration, known, signal) => {
      if (!zones.has(registration.zone))
        return { verdict: 'unknown', why: `we are not in its zone "${registration.zone}"` }
      const where = parseAddress(registration.address)
      if (where === undefined || where.kind === 'name')
        return { verdict: 'unknown', why: `"${registration.address}" is no literal IP address` }
      const why = guard(where.host)
      if (why !== undefined) return { verdict: 'unknown', why: `it may not be asked: ${why}` }
      try {
        const place = {
          scheme: registration.scheme,
          ip: where.host,
          port: where.port,
          path: pathOf(registration),
          host: formatAddress(registration.host ?? where.host, where.port),
          ...(registration.host === undefined ? {} : { serverName: registration.host }),
        }
        const page = await gate(signal, () => readPage(place, { deadlineMs, mostBytes }, signal))
        return page.verdict === 'page' ? judgePage(page.identity, known) : page
      } catch (error) {
        return { verdict: 'unknown', why: describeError(error) }
      }
    },
  }
}

/** As Prometheus does: the path is not encoded yet, and the parameters are its query. */
function pathOf({ metricsPath, params }: Registration): string {
  const query = new URLSearchParams(params).toString()
  return `${encodeURI(metricsPath)}${query === '' ? '' : `?${query}`}`
}
