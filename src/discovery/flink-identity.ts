import type { Identity, ReporterFacts } from '../model/registration.ts'
import { hexHashOf } from '../model/text-hash.ts'
import { isPlainText } from '../targets/plain-text.ts'

const longestInstance = 128
const longestFact = 256

/** The identity of a process of Flink: `namespace` is the Flink cluster, `app` the scope. */
export function flinkIdentity(
  flinkCluster: string,
  scope: string,
  role: 'taskmanager' | 'jobmanager',
  process: string,
): Identity {
  return { namespace: flinkCluster, app: nameOf(scope), role, instance: nameOf(process) }
}

/**
 * A text as it may stand in an identity: what may not be there is `_`, and what is too long ends in a number of its own,
 * so that two that begin alike stay two.
 */
function nameOf(text: string): string {
  const clean = plain(text)
    .replace(/^[\s/]|\//g, '_')
    .replace(/\s$/, '_')
  if (clean === '' || clean === '.' || clean === '..') return `_${clean}`
  return clean.length <= longestInstance ? clean : `${cut(clean, longestInstance - 9)}-${hexHashOf(text)}`
}

/** Facts as a registration may have them: without what is empty, cut short where somebody wrote a novel. */
export function cleanFacts(facts: ReporterFacts): ReporterFacts {
  const entries = Object.entries(facts).flatMap(([name, value]: [string, string | undefined]) =>
    value === undefined || value === '' ? [] : [[name, cut(plain(value), longestFact)]],
  )
  return Object.fromEntries(entries)
}

function plain(text: string): string {
  if (isPlainText(text)) return text
  return Array.from(text, (char) => (isPlainText(char) ? char : '_')).join('')
}

/** Never through the middle of a character. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text
  const short = text.slice(0, most)
  return /[\ud800-\udbff]$/.test(short) ? short.slice(0, -1) : short
}

/** The parts of a container id, `container_[e17_]1410901177871_0001_02_000005`, that say which attempt it belongs to. */
export function attemptOfContainer(id: string): number | undefined {
  const found = /^container_(?:e\d+_)?\d+_\d+_(\d+)_\d+$/.exec(id)
  return found === null ? undefined : Number(found[1])
}

/** The application of a container. */
export function applicationOfContainer(id: string): string | undefined {
  const found = /^container_(?:e\d+_)?(\d+_\d+)_\d+_\d+$/.exec(id)
  return found === null ? undefined : `application_${found[1]}`
}

/**
 * True for an id that no other process ever has: a container of YARN, 32 hex digits (up to 1.11), an address with six
 * random digits behind it. What `taskmanager.resource-id` sets comes back with the next process.
 */
export function isUniqueId(id: string): boolean {
  return attemptOfContainer(id) !== undefined || /^[0-9a-f]{32}$/.test(id) || /-[0-9a-f]{6}$/.test(id)
}
