import type { PartitionReading } from '../src/flink/flink-page.ts'
import { createPagePoller } from '../src/flink/page-poller.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { watchSteps } from './flink-pages-steps.ts'

// The child process of bench/flink-pages.ts that reads: `lagkeeper`, or `naive`: fetch, text.split('\n') and a regular
// expression. Tells over IPC what it took since it was asked last.

export interface ReaderStart {
  readonly kind: string
  readonly addresses: readonly string[]
  readonly intervalMs: number
}

export interface ReaderFigures {
  /** Of one core, 0 to 1. */
  readonly cpuShare: number
  readonly longestStepMs: number
  readonly longestStepCpuMs: number
  readonly rssMb: number
  readonly pages: number
  /** Pages in which anything is not as it was sent. */
  readonly wrong: number
  /** Reporters whose last read failed. */
  readonly failures: number
}

const partitionsOfPage = 12
let pages = 0
let wrong = 0
const lastValue = new Map<string, number>()

/** Every offset of a page is the same number, which goes up from page to page and tells whose it is. */
function check(index: number, offsets: readonly (number | undefined)[]): void {
  pages++
  const [first = 0] = offsets
  const turn = first - 1_000_000 - ((index * 1_000) % 9_000_000)
  const isRight =
    offsets.length === partitionsOfPage * 2 &&
    offsets.every((offset) => offset === first) &&
    turn > (lastValue.get(String(index)) ?? 0) &&
    turn < 1_000
  lastValue.set(String(index), turn)
  if (!isRight) wrong++
}

function readAsWeDo({ addresses, intervalMs }: ReaderStart): void {
  const offsetsOf = ({ current, committed }: PartitionReading) => [current, committed]
  const poller = createPagePoller(
    { intervalMs },
    {
      clock: systemClock,
      onPage: ({ id, page }) => check(Number(id), page.partitions.flatMap(offsetsOf)),
    },
  )
  poller.want(
    addresses.map((address, index) => ({
      id: String(index),
      flinkCluster: 'bench',
      address,
      tmId: `127_0_0_1:20130_${index.toString(16).padStart(6, '0')}`,
    })),
  )
  void poller.run(new AbortController().signal)
  countFailures = () => poller.failures().size
}

let countFailures = (): number => 0

function readAsAnybody({ addresses, intervalMs }: ReaderStart): void {
  const kept = new Map<number, readonly unknown[]>()
  const read = async (index: number): Promise<void> => {
    const answer = await fetch(`http://${addresses[index]}/metrics`)
    const samples: { readonly name: string; readonly labels: Record<string, string>; readonly value: number }[] = []
    for (const line of (await answer.text()).split('\n')) {
      if (line.startsWith('#')) continue
      const [, name = '', labels = '', value = ''] = /^([^{\s]+)\{(.*)\} (\S+)$/.exec(line) ?? []
      if (!/(?:Offset|pendingRecords|records_lag_max|[bB]ackPressured\w*|EventTimeLag)$/.test(name)) continue
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text])
      samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value) })
    }
    kept.set(index, samples)
    const offsets = samples.filter(({ name }) => name.endsWith('Offset'))
    check(
      index,
      offsets.map(({ value }) => value),
    )
  }
  addresses.forEach((_, index) => {
    setTimeout(
      () => {
        void read(index)
        setInterval(() => void read(index), intervalMs)
      },
      (index / addresses.length) * intervalMs,
    )
  })
}

let endWatch = watchSteps()
let cpu = process.cpuUsage()
let since = performance.now()

function figures(): ReaderFigures {
  const { longestStepMs, longestStepCpuMs } = endWatch()
  const { user, system } = process.cpuUsage(cpu)
  const cpuShare = (user + system) / 1_000 / (performance.now() - since)
  const rssMb = process.memoryUsage.rss() / 1e6
  const told = { cpuShare, longestStepMs, longestStepCpuMs, rssMb, pages, wrong, failures: countFailures() }
  pages = 0
  wrong = 0
  endWatch = watchSteps()
  cpu = process.cpuUsage()
  since = performance.now()
  return told
}

process.on('message', (message: ReaderStart | 'figures') => {
  if (message === 'figures') process.send?.(figures())
  else if (message.kind === 'naive') readAsAnybody(message)
  else readAsWeDo(message)
})
process.on('disconnect', () => process.exit())
