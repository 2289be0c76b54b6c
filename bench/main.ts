import { run as conformance } from './conformance/run.ts'
import { run as cost } from './cost.ts'
import { run as cycle } from './cycle.ts'
import { run as exposition } from './exposition.ts'
import { run as flinkPages } from './flink-pages.ts'
import { run as flinkYarn } from './flink-yarn.ts'
import { run as hostile } from './hostile.ts'
import { run as join } from './join.ts'
import { run as judge } from './judge.ts'
import { run as realBroker } from './real-broker.ts'
import { run as registry } from './registry.ts'
import { run as scenarios } from './scenarios/run.ts'
import { run as storm } from './storm.ts'
import { run as targets } from './targets.ts'
import { run as zookeeper } from './zookeeper.ts'

/**
 * `npm run bench -- [name…] [option…]`: those named, or all that take minutes; options are for the ones that have some.
 * Exits with 1 when a limit was missed; no part of the tests.
 */
const benches: Readonly<Record<string, (options: readonly string[]) => boolean | Promise<boolean>>> = {
  join,
  judge,
  exposition,
  cycle,
  'real-broker': realBroker,
  zookeeper,
  targets,
  registry,
  hostile,
  'flink-pages': flinkPages,
  'flink-yarn': flinkYarn,
  storm,
  conformance,
  cost,
  scenarios,
}

/** Take an hour and more, or compare with programs that have to be built first. */
const long: readonly string[] = ['storm', 'conformance', 'cost', 'scenarios']

const given = process.argv.slice(2)
const firstOption = given.findIndex((word) => word.startsWith('-'))
const wanted = firstOption === -1 ? given : given.slice(0, firstOption)
const options = firstOption === -1 ? [] : given.slice(firstOption)
const unknown = wanted.filter((name) => !(name in benches))
if (unknown.length > 0) {
  process.stderr.write(`Unknown benchmark ${unknown.join(', ')}, expected ${Object.keys(benches).join(', ')}\n`)
  process.exitCode = 2
} else
  for (const [name, bench] of Object.entries(benches)) {
    if (wanted.length > 0 ? !wanted.includes(name) : long.includes(name)) continue
    if (!(await bench(options))) process.exitCode = 1
  }
