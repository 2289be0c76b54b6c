import { playConsumers, playWhole } from './play.ts'
import { mergeRows, type Results, type Row, readResults, writeResults } from './results.ts'
import { resultTables, writePage } from './results-page.ts'
import { wholeRuns } from './runs.ts'
import { scenariosAt } from './scenarios.ts'

const HOURS = 8
const AT_SECOND = 4 * 3_600

/**
 * `npx tsx bench/main.ts scenarios [--write] [--only ID…]`: plays eight hours of every consumer and the runs of their own,
 * and prints what was firing. `--write` keeps the results and makes docs/scenarios.md of them; with `--only` the others stay
 * as they were. True when nothing of ours was firing that should not, and everything was that should, in time.
 */
export async function run(options: readonly string[]): Promise<boolean> {
  const [before, only] = options.includes('--only') ? split(options, '--only') : [options, undefined]
  const all = scenariosAt(AT_SECOND)
  const isWanted = ({ id }: { readonly id: string }): boolean => only?.includes(id) ?? true
  const wanted = all.filter(isWanted)
  const consumers = wanted.length === 0 ? [] : [...(await playConsumers(wanted, HOURS * 3_600)).rows]
  const whole: Row[] = []
  for (const one of wholeRuns.filter(isWanted)) whole.push(await playWhole(one))
  const fresh: Results = { prometheus: '2.42.0', hours: HOURS, consumers, whole }
  process.stdout.write(`${resultTables(fresh)}\n`)
  if (before.includes('--write')) {
    const known = only === undefined ? fresh : readResults()
    const results: Results = {
      ...fresh,
      consumers: mergeRows(known.consumers, consumers, idsOf(all)),
      whole: mergeRows(known.whole, whole, idsOf(wholeRuns)),
    }
    writeResults(results)
    writePage(results)
  }
  return [...consumers, ...whole].every(({ told }) => told.lagkeeper.verdict === 'right')
}

function split(words: readonly string[], at: string): readonly [readonly string[], readonly string[]] {
  const index = words.indexOf(at)
  return [words.slice(0, index), words.slice(index + 1)]
}

function idsOf(all: readonly { readonly id: string }[]): readonly string[] {
  return all.map(({ id }) => id)
}
