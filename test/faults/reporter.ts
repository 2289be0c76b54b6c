import type { Reporter, TestModule } from 'vitest/node'
import { faultClasses, faultIdOf, tally } from './catalogue.ts'

/** Prints `N of M` for each class at the end of a run of the faults; what was not run is not counted as survived. */
export function createFaultReporter(): Reporter {
  return {
    onTestRunEnd: (modules: readonly TestModule[]) => {
      const mine = modules.filter(({ project }) => project.name === 'faults')
      if (mine.length === 0) return
      const passed = new Set<string>()
      const failed = new Set<string>()
      for (const test of mine.flatMap(({ children }) => [...children.allTests()])) {
        const id = faultIdOf(test.name)
        const { state } = test.result()
        if (id === undefined || state === 'skipped' || state === 'pending') continue
        if (state === 'passed') passed.add(id)
        else failed.add(id)
      }
      process.stdout.write(`\n${faultClasses.map((letter) => tally(letter, passed, failed)).join('\n')}\n`)
    },
  }
}
