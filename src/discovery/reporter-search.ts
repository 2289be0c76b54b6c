import { formatAddress } from '../targets/parse-address.ts'
import { isStill, judgeHead, type Wanted } from './judge-head.ts'
import { createKnownPorts, type Seen } from './known-ports.ts'
import { addressesOf, isIp } from './search-hosts.ts'
import type { ReporterSearch, ReporterSearchDeps, SearchResult, Sought } from './sought.ts'
import { whyNone } from './why-none.ts'

interface Place {
  readonly life: string
  readonly address: string
  readonly host?: string
  readonly registeredAs?: string
  wanted: Wanted
  seenAt: number
}

interface Miss {
  readonly life: string
  readonly why: string
  readonly isSearched: boolean
  readonly tries: number
  readonly nextAt: number
}

/** How long it is believed that a process has not moved: each look makes it render its whole page. */
const verifyMs = 60_000
/** An answer this old is taken for one of now. */
const nowMs = 2_000
/** A port whose answer is no older than this and was somebody else's is asked again only after all others. */
const sharedMs = 10_000
const portsAtOnce = 4
const retryMs = [0, 20_000, 60_000, 300_000] as const

export function createReporterSearch(deps: ReporterSearchDeps): ReporterSearch {
  const { clock, readHead, witness = () => undefined } = deps
  const { registered = () => undefined, remembered = () => undefined } = deps
  const ports = createKnownPorts({ readHead, clock })
  const places = new Map<string, Place>()
  const misses = new Map<string, Miss>()
  const hints = new Map<string, number>()
  /** Who was found at an address. */
  const owners = new Map<string, string>()

  function forget(id: string): void {
    leave(id)
    misses.delete(id)
    hints.delete(id)
  }

  function leave(id: string): void {
    const place = places.get(id)
    places.delete(id)
    if (place !== undefined && owners.get(place.address) === id) owners.delete(place.address)
  }

  function settle(sought: Sought, at: { address: string; registeredAs?: string }, seenAt: number): SearchResult {
    const { id, life, wanted, host } = sought
    leave(id)
    misses.delete(id)
    const place = { ...at, ...(isIp(host) ? {} : { host }) }
    places.set(id, { ...place, life, wanted, seenAt })
    owners.set(at.address, id)
    return { kind: 'found', ...place }
  }

  function miss({ id, life }: Sought, why: string, isSearched: boolean): SearchResult {
    const before = misses.get(id)
    const tries = before?.life === life ? before.tries + 1 : 1
    const wait = isSearched ? (retryMs[Math.min(tries, retryMs.length) - 1] ?? 0) : 0
    misses.set(id, { life, why, isSearched, tries, nextAt: clock.monotonic() + wait })
    return { kind: 'silent', why, isSearched }
  }

  /** Where it is known to be, when it still is. */
  async function revisit(sought: Sought, signal: AbortSignal): Promise<SearchResult | undefined> {
    const place = places.get(sought.id)
    if (place === undefined) return undefined
    if (place.life !== sought.life) {
      forget(sought.id)
      return undefined
    }
    // Whoever had registered it has let go of it, or another one has: found anew.
    const other = sought.wanted.kind === 'taskmanager' ? registered(sought.wanted.tmId) : undefined
    if (place.registeredAs !== undefined && other?.id !== place.registeredAs) {
      leave(sought.id)
      return undefined
    }
    place.wanted = sought.wanted
    const { address, host, registeredAs } = place
    const found = {
      kind: 'found',
      address,
      ...(host === undefined ? {} : { host }),
      ...(registeredAs === undefined ? {} : { registeredAs }),
    } as const
    if (!needsLook(sought.id, place)) return found
    const { head, at } = await ports.ask(address, nowMs, signal)
    if (isStill(sought.wanted, head)) {
      place.seenAt = at
      return found
    }
    // It hangs, or a firewall came between: nobody has said that it is gone.
    if (head.kind === 'unknown') return { ...found, isMute: true }
    leave(sought.id)
    return undefined
  }

  function needsLook(id: string, place: Place): boolean {
    const seen = witness(id)
    if (seen !== undefined && seen.address === place.address && seen.at > place.seenAt) {
      if (seen.verdict !== 'same') return true
      place.seenAt = seen.at
    }
    const owner = owners.get(place.address)
    return (owner !== undefined && owner !== id) || clock.monotonic() - place.seenAt > verifyMs
  }

  /** Its own answer of now at an address where it was seen a moment ago, or where others say that it is. */
  async function confirm(sought: Sought, address: string, signal: AbortSignal): Promise<Seen | undefined> {
    const seen = await ports.ask(address, nowMs, signal)
    return judgeHead(sought.wanted, seen.head) === 'same' ? seen : undefined
  }

  async function fromRegistry(sought: Sought, signal: AbortSignal): Promise<SearchResult | undefined> {
    const { id, wanted } = sought
    const address = misses.has(id) ? undefined : remembered(id)
    if (address !== undefined) {
      const seen = await confirm(sought, address, signal)
      if (seen !== undefined) return settle(sought, { address }, seen.at)
    }
    const other = wanted.kind === 'taskmanager' ? registered(wanted.tmId) : undefined
    if (other === undefined) return undefined
    const seen = await confirm(sought, other.address, signal)
    return seen === undefined ? undefined : settle(sought, { address: other.address, registeredAs: other.id }, seen.at)
  }

  /** Ports that nobody is known at come first, the one that the log names before all. */
  function order({ id, ports: candidates }: Sought, ip: string): readonly string[] {
    const hint = hints.get(id)
    const all = [...new Set(hint === undefined ? candidates : [hint, ...candidates])]
    const now = clock.monotonic()
    const rank = (port: number): number => {
      if (port === hint) return 0
      const address = formatAddress(ip, port)
      const owner = owners.get(address)
      if (owner !== undefined && owner !== id) return 3
      const last = ports.last(address)
      return last !== undefined && now - last.at <= sharedMs && last.head.kind !== 'unknown' ? 2 : 1
    }
    const ranked = all.map((port) => ({ port, rank: rank(port) })).sort((a, b) => a.rank - b.rank)
    return ranked.map(({ port }) => formatAddress(ip, port))
  }

  /** Somebody else's question of a moment ago may have had the answer. */
  async function fromShared(sought: Sought, ip: string, signal: AbortSignal): Promise<SearchResult | undefined> {
    for (const port of sought.ports) {
      const last = ports.last(formatAddress(ip, port))
      if (last === undefined || judgeHead(sought.wanted, last.head) !== 'same') continue
      const seen = await confirm(sought, last.address, signal)
      if (seen !== undefined) return settle(sought, { address: seen.address }, seen.at)
    }
    return undefined
  }

  async function searchHost(sought: Sought, ip: string, signal: AbortSignal): Promise<SearchResult> {
    const addresses = order(sought, ip)
    const answers: Seen[] = []
    for (let at = 0; at < addresses.length; at += portsAtOnce) {
      const some = addresses.slice(at, at + portsAtOnce)
      const seen = await Promise.all(some.map((address) => ports.ask(address, nowMs, signal)))
      const own = seen.find(({ head }) => judgeHead(sought.wanted, head) === 'same')
      if (own !== undefined) return settle(sought, { address: own.address }, own.at)
      answers.push(...seen)
    }
    return onlyOne(sought, answers) ?? miss(sought, whyNone(sought, answers), true)
  }

  /** The only one that can be it, when nothing tells it from others of its kind. */
  function onlyOne(sought: Sought, answers: readonly Seen[]): SearchResult | undefined {
    const hint = hints.get(sought.id)
    const maybe = answers.filter(({ address, head }) => {
      const owner = owners.get(address)
      return judgeHead(sought.wanted, head) === 'maybe' && (owner === undefined || owner === sought.id)
    })
    const named = hint === undefined ? undefined : maybe.find(({ address }) => address.endsWith(`:${hint}`))
    const [only, ...more] = named === undefined ? maybe : [named]
    if (only === undefined) return undefined
    if (more.length === 0) return settle(sought, { address: only.address }, only.at)
    const where = maybe.map(({ address }) => address).join(', ')
    return miss(sought, `any of ${where} may be it: their pages do not tell them apart`, true)
  }

  async function find(sought: Sought, signal: AbortSignal): Promise<SearchResult> {
    const known = (await revisit(sought, signal)) ?? (await fromRegistry(sought, signal))
    if (known !== undefined) return known
    const { id, life, host, isLocal } = sought
    const addresses = await addressesOf(host, isLocal, deps, signal)
    if ('why' in addresses) return miss(sought, addresses.why, false)
    const before = misses.get(id)?.life === life ? misses.get(id) : undefined
    // A host of several addresses: the next one at each search.
    const ip = addresses.ips[(before?.tries ?? 0) % addresses.ips.length]!
    const shared = await fromShared(sought, ip, signal)
    if (shared !== undefined) return shared
    if (before !== undefined && clock.monotonic() < before.nextAt)
      return { kind: 'silent', why: before.why, isSearched: before.isSearched }
    if (sought.ports.length === 0 && !hints.has(id))
      return miss(sought, 'the ports of its reporter are not known: neither configured nor in its configuration', true)
    return await searchHost(sought, ip, signal)
  }

  return {
    find,
    check: async (id, maxAgeMs, signal) => {
      const place = places.get(id)
      if (place === undefined) return 'unknown'
      if (!needsLook(id, place) && clock.monotonic() - place.seenAt < maxAgeMs) return 'same'
      const { head, at } = await ports.ask(place.address, nowMs, signal)
      if (isStill(place.wanted, head)) {
        place.seenAt = at
        return 'same'
      }
      return head.kind === 'unknown' ? 'unknown' : 'gone'
    },
    hint: (id, port) => {
      hints.set(id, port)
      const before = misses.get(id)
      if (before !== undefined) misses.set(id, { ...before, nextAt: clock.monotonic() })
    },
    seenAt: (id) => {
      const seen = witness(id)
      const place = places.get(id)
      if (place === undefined) return undefined
      return seen?.verdict === 'same' && seen.address === place.address ? Math.max(seen.at, place.seenAt) : place.seenAt
    },
    forget,
    asked: ports.asked,
  }
}
