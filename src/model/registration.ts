/** Names to values, as Prometheus knows them: names are `[a-zA-Z_][a-zA-Z0-9_]*`, values never empty. */
export type LabelSet = Readonly<Record<string, string>>

/** Which life of the same identity: see `compareLives`. */
export type Incarnation = string

/** Whose metrics these are: the four parts of a registration's id. */
export interface Identity {
  readonly namespace: string
  readonly app: string
  readonly role: string
  readonly instance: string
}

/** What is known of the process behind an endpoint; what is not known is absent. */
export interface ReporterFacts {
  /** What the process is, such as `flink-tm`. */
  readonly kind?: string
  readonly applicationId?: string
  readonly attempt?: string
  readonly containerId?: string
  readonly flinkCluster?: string
  readonly flinkJob?: string
  readonly queue?: string
  readonly user?: string
  readonly version?: string
}

/** One metrics endpoint of one process of one job. */
interface Reporter {
  /** `host:port` with a literal IP address, IPv6 in brackets. */
  readonly address: string
  /** The name that the address was resolved from, when it was given as a name. */
  readonly host?: string
  /** The network in which the address means this process; the same address in two zones is two processes. */
  readonly zone: string
  readonly scheme: 'http' | 'https'
  readonly metricsPath: string
  /** Query parameters of the scrape. */
  readonly params: LabelSet
  readonly facts: ReporterFacts
}

/** The record that a Reporter exists. */
export interface Registration extends Identity, Reporter {
  /** `namespace/app/role/instance`. */
  readonly id: string
  readonly incarnation: Incarnation
  /** Earlier incarnations that no number can order, newest first: whoever comes with one of them is too late. */
  readonly superseded: readonly Incarnation[]
  readonly labels: LabelSet
  readonly leaseSeconds: number
}

/** The answer to one registration put into a registry. */
export interface Receipt {
  readonly id: string
  /** `renewed`: it was there already; `conflict`: a newer life or another owner stands in the way, nothing changed. */
  readonly outcome: 'created' | 'replaced' | 'renewed' | 'conflict'
  /** What is kept now; for a conflict, what came. */
  readonly registration: Registration
  /** Why there is a conflict, as a sentence. */
  readonly why?: string
  /** The conflict is about an address that may become free: worth coming back. */
  readonly mayPass?: true
}

/** A sign of life: with the incarnation, an older life cannot extend the lease of a newer one. */
export interface Heartbeat {
  readonly id: string
  readonly incarnation?: Incarnation
}

/**
 * How the life that comes stands to the one that is there. Two decimals compare as numbers. Of opaque strings the later
 * arrival is newer, unless it was superseded before. No clock is asked: clocks of hosts differ.
 */
export function compareLives(
  coming: Incarnation,
  present: Pick<Registration, 'incarnation' | 'superseded'>,
): 'same' | 'newer' | 'older' {
  if (areDecimals(coming, present.incarnation)) {
    const difference = compareDecimals(coming, present.incarnation)
    return difference === 0 ? 'same' : difference > 0 ? 'newer' : 'older'
  }
  if (coming === present.incarnation) return 'same'
  return present.superseded.includes(coming) ? 'older' : 'newer'
}

const rememberedLives = 8

/** The superseded incarnations after `coming` took the place of `present`. */
export function supersededBy(
  coming: Incarnation,
  present: Pick<Registration, 'incarnation' | 'superseded'>,
): readonly Incarnation[] {
  if (areDecimals(coming, present.incarnation)) return present.superseded
  return [present.incarnation, ...present.superseded].slice(0, rememberedLives)
}

function areDecimals(a: Incarnation, b: Incarnation): boolean {
  return /^\d+$/.test(a) && /^\d+$/.test(b)
}

/** Of any length: more digits are more, then digit by digit. */
function compareDecimals(a: string, b: string): number {
  const left = a.replace(/^0+(?=\d)/, '')
  const right = b.replace(/^0+(?=\d)/, '')
  if (left.length !== right.length) return left.length - right.length
  return left === right ? 0 : left < right ? -1 : 1
}
