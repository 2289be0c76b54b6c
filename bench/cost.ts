import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startKafka } from '../test/rigs/kafka.ts'
import { startRigClient } from '../test/rigs/rig-client.ts'
import { exporters } from './conformance/exporters.ts'
import { truthOf } from './conformance/truth.ts'
import { fillForCost, sizes } from './cost-load.ts'
import { type CostRun, type Costs, measureCosts, measureFreshScrapes } from './cost-measure.ts'
import { cpuSeconds } from './cost-process.ts'
import { startCountingProxy } from './cost-proxy.ts'
import { type Figure, report } from './report.ts'

const VERSION = '3.9.2'
const INTERVAL_SECONDS = 30
const OURS = 'lagkeeper'
const PEER = 'klag-exporter'
/** For size M. */
const limits = { requests: 5, cpu: 0.8, rssMiB: 180, startMs: 1_900, scrapeMs: 100, idlePercent: 0.5 }

const usage = `npm run bench -- cost [options]
  --size S|M           200 topics × 10, 200 groups × 20; or 1,000 × 6, 1,000 × 50. Default: M
  --minutes N          how long processor time and requests are counted. Default: 2
  --alone              without the peer
  --node-flags=FLAGS   for the daemon, such as --node-flags="--cpu-prof --cpu-prof-dir=/tmp/profile"
`

/**
 * What the built daemon costs, beside klag-exporter on the same broker in the same run. Processor time is the kernel's
 * count, of the broker with what it takes while nobody asks taken off; requests are counted on the wire.
 */
export async function run(args: readonly string[]): Promise<boolean> {
  const options = readOptions(args)
  const size = sizes[options?.size ?? '']
  if (options === undefined || size === undefined) {
    process.stderr.write(usage)
    return false
  }
  await using proxy = await startCountingProxy()
  await using kafka = await startKafka({
    version: VERSION,
    heap: '1536m',
    properties: {
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}`,
      'offsets.topic.num.partitions': '50',
    },
  })
  proxy.pointTo(Number(kafka.bootstrap.split(':')[1]))
  const truth = await fill()
  const broker = kafka.brokers[0]?.pid ?? 0
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-cost-'))
  try {
    const { minutes, nodeFlags } = options
    const base = { truth, broker, proxy, minutes, intervalSeconds: INTERVAL_SECONDS, folder, nodeFlags }
    const names = options.alone ? [OURS] : [PEER, OURS]
    // The broker's code is to be warm for all of them: what the first one asks is compiled on the way.
    for (const name of names) await warmUp(name)
    const brokerIdle = await idleBroker()
    const runs = new Map<string, Costs>()
    for (const name of names) runs.set(name, await measureCosts({ ...base, brokerIdle, start: starterOf(name) }))
    const ours = runs.get(OURS)
    if (ours === undefined) return false
    const fresh = await measureFreshScrapes({ ...base, brokerIdle, start: starterOf(OURS), intervalSeconds: 2 })
    const title = `Cost on one real ${VERSION} broker: ${size.topics} topics, ${size.topics * size.partitions} partitions, ${size.groups} groups, ${truth.length} group partitions; ${cpus().length} cores, load average ${loadavg()[0]?.toFixed(1)}`
    const kept = report(title, figures({ ...ours, ...fresh }, runs.get(PEER), options.size === 'M'))
    for (const [name, costs] of runs) process.stdout.write(`  ${name}: ${describe(costs)}\n`)
    return kept && ours.notRight === 0

    async function warmUp(name: string): Promise<void> {
      await using _ = await starterOf(name)({
        bootstrap: `127.0.0.1:${proxy.port}`,
        folder: join(folder, 'warm-up', name),
        intervalSeconds: 2,
        nodeFlags: [],
      })
      await sleep(15_000)
    }

    async function idleBroker(): Promise<number> {
      const before = cpuSeconds(broker)
      await sleep(60_000)
      return cpuSeconds(broker) - before
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }

  async function fill() {
    if (size === undefined) return []
    await using rig = await startRigClient({ version: VERSION, bootstrap: kafka.bootstrap })
    const groups = await fillForCost(rig, size)
    return truthOf(await rig.oracle(groups)).filter(({ isCommitted }) => isCommitted)
  }
}

function starterOf(name: string): CostRun['start'] {
  const known = exporters[name]
  if (known === undefined) throw new Error(`Start exporter "${name}": unknown`)
  return known.start
}

function figures(ours: Costs, peer: Costs | undefined, isLimited: boolean): readonly Figure[] {
  const figure = (what: string, unit: string, of: (costs: Costs) => number, limit?: number): Figure => ({
    what,
    measured: of(ours),
    unit,
    ...(limit !== undefined && isLimited && { limit }),
    ...(peer !== undefined && { peer: { name: PEER, measured: of(peer) } }),
  })
  return [
    figure('group partitions that are not right', '', ({ notRight }) => notRight, 0.5),
    figure('requests a cycle', '', ({ requestsACycle }) => requestsACycle, limits.requests),
    figure('CPU a minute, exporter and broker, scraped every 30 s', 's', ({ cpu }) => cpu.both, limits.cpu),
    figure('CPU a minute, exporter', 's', ({ cpu }) => cpu.exporter),
    figure('CPU a minute, broker, less its own', 's', ({ cpu }) => cpu.broker),
    figure('CPU without scrape or change', '% of a core', ({ idlePercent }) => idlePercent, limits.idlePercent),
    figure('peak RSS', 'MiB', ({ rssMiB }) => rssMiB, limits.rssMiB),
    figure('start to complete page', 'ms', ({ startMs }) => startMs, limits.startMs),
    figure('scrape of a new cycle, plain, median of 5', 'ms', ({ plainMs }) => plainMs, limits.scrapeMs),
    figure('scrape of a new cycle, gzip, median of 5', 'ms', ({ gzipMs }) => gzipMs, limits.scrapeMs),
    figure('page', 'MB', ({ plainBytes }) => plainBytes / 1e6),
    figure('page, gzip', 'MB', ({ gzipBytes }) => gzipBytes / 1e6),
  ]
}

function describe({ apis, cycles, miscounted, idleBroker }: Costs): string {
  const counts = Object.entries(apis).map(([api, count]) => `${api} ${count}`)
  const own = miscounted === undefined ? '' : `; its own count differs by ${miscounted}`
  return `${counts.join(', ')} while counting, ${cycles} whole cycles${own}; the broker alone takes ${idleBroker.toFixed(2)} s a minute`
}

function readOptions(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      options: {
        size: { type: 'string' },
        minutes: { type: 'string' },
        alone: { type: 'boolean' },
        'node-flags': { type: 'string' },
      },
    })
    const minutes = Number(values.minutes ?? 2)
    if (!(minutes >= 1)) throw new Error(`Option --minutes "${values.minutes}": expected at least 1`)
    return {
      size: values.size ?? 'M',
      minutes,
      alone: values.alone === true,
      nodeFlags: values['node-flags']?.split(' ') ?? [],
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return undefined
  }
}
