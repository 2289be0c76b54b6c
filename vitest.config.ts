import { defineConfig } from 'vitest/config'
import { createFaultReporter } from './test/faults/reporter.ts'

// unit: no Java, seconds. real: real brokers, ZooKeeper and Prometheus, one file at a time (two cores).
// patient: real programs that are mostly waited for, beside the unit tests.
// matrix: what other versions of the same programs make of it; some are built at their first start.
// faults: the long form of the hostile-peer tests.
const patient = ['test/real/http-sd-outage.test.ts', 'test/real/http-sd-replicas.test.ts']

export default defineConfig({
  test: {
    reporters: ['default', createFaultReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/real/**', 'test/faults/**', 'test/matrix/**'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'patient',
          include: patient,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          exclude: patient,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'matrix',
          include: ['test/matrix/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 1_800_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
