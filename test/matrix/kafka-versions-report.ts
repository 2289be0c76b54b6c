import { expect } from 'vitest'
import { addVerdicts, type Verdict } from '../loads/judge.ts'
import { forgetResult, talliesOf, writeVersion } from './compatibility-results.ts'
import { type KafkaUnderMatrix, kafkaMatrix, matrixName } from './kafka-versions.ts'

/** What one row of the matrix has found so far. */
export interface Report {
  /** Rows of a load, which no other verdict of this report is about. @throws when something was wrong or missing */
  add(load: string, verdict: Verdict): void
  /** The same rows by another judge. @throws when something was wrong or missing */
  addTools(what: string, verdict: Verdict): void
  addConsumers(count: number): void
  requests(perCycle: Readonly<Record<string, number>>): void
  /** Prints the row, and writes it down when every load was there. */
  finish(loads: readonly string[]): void
}

/** Forgets what was found before. */
export function createReport(row: KafkaUnderMatrix): Report {
  const name = matrixName(row)
  const verdicts = new Map<string, Verdict>()
  const startedAt = performance.now()
  let byTools = 0
  let consumers = 0
  let perCycle: Readonly<Record<string, number>> = {}
  forgetResult(name)

  function demand(what: string, { compared, wrong, wrongCount, missing }: Verdict): void {
    expect({ what, wrong, wrongCount, missing }).toEqual({ what, wrong: [], wrongCount: 0, missing: {} })
    expect(compared).toBeGreaterThan(0)
  }

  return {
    add: (load, verdict) => {
      verdicts.set(load, verdict)
      demand(`${name}, ${load}`, verdict)
    },
    addTools: (what, verdict) => {
      byTools += verdict.compared
      demand(`${name}, ${what}`, verdict)
    },
    addConsumers: (count) => {
      consumers += count
    },
    requests: (counts) => {
      perCycle = counts
    },
    finish: (loads) => {
      const result = {
        name,
        consumers,
        ...talliesOf(addVerdicts([...verdicts.values()])),
        byTools,
        requests: perCycle,
      }
      const { compared, wrong, unknown, missing } = result
      const total = Object.values(perCycle).reduce((sum, count) => sum + count, 0)
      const seconds = Math.round((performance.now() - startedAt) / 1_000)
      process.stdout.write(
        `matrix | ${name} | consumers ${consumers} | compared ${compared} | wrong ${wrong} | missing ${JSON.stringify(missing)} | unknown ${JSON.stringify(unknown)} | requests a cycle ${total} | by tools ${byTools} | ${seconds} s\n`,
      )
      expect([...verdicts.keys()].sort()).toEqual([...loads].sort())
      writeVersion(result, kafkaMatrix.map(matrixName))
    },
  }
}
