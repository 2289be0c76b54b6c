import { run as cycle } from './cycle.ts'
import { run as exposition } from './exposition.ts'
import { run as hostile } from './hostile.ts'
import { run as join } from './join.ts'
import { run as realBroker } from './real-broker.ts'
import { run as registry } from './registry.ts'
import { run as storm } from './storm.ts'
import { run as targets } from './targets.ts'
import { run as zookeeper } from './zookeeper.ts'

/** `npm run bench [name…]`: those named, or all that take minutes. Exits with 1 when a limit was missed; no part of the tests. */
const benches: Readonly<Record<string, () => boolean | Promise<boolean>>> = {
  join,
  exposition,
  cycle,
  'real-broker': realBroker,
  zookeeper,
  targets,
  registry,
  hostile,
  storm,
}

/** Take an hour and more. */
const long: readonly string[] = ['storm']

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in benches))
if (unknown.length > 0) {
  process.stderr.write(`Unknown benchmark ${unknown.join(', ')}, expected ${Object.keys(benches).join(', ')}\n`)
  process.exitCode = 2
} else
  for (const [name, bench] of Object.entries(benches)) {
    if (wanted.length > 0 ? !wanted.includes(name) : long.includes(name)) continue
    if (!(await bench())) process.exitCode = 1
  }
