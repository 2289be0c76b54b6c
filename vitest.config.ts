import { defineConfig } from 'vitest/config'
import { createFaultReporter } from './test/faults/reporter.ts'

// Two files at a time: what is tested is mostly waited for, and two cores are enough for it.
// unit: no Java, seconds. patient: real programs that are mostly waited for, beside the unit tests.
// real: real brokers, ZooKeeper and Prometheus.
// quiet: as real, one file at a time, because they hold times of their own to narrow limits.
// matrix: what other versions of the same programs make of it; some are built at their first start.
// faults: the long form of the hostile-peer tests.
const patient = ['test/real/http-sd-outage.test.ts', 'test/real/http-sd-replicas.test.ts']
const quiet = ['time-lag', 'zookeeper', 'zookeeper-ensemble', 'zookeeper-offsets'].map(
  (name) => `test/real/${name}.test.ts`,
)

export default defineConfig({
  test: {
    reporters: ['default', createFaultReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/real/**', 'test/faults/**', 'test/matrix/**'],
          maxWorkers: 2,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'patient',
          include: patient,
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          exclude: [...patient, ...quiet],
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'quiet',
          include: quiet,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'matrix',
          include: ['test/matrix/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 1_800_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
})
