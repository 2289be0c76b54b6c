import { flinkLag } from '../contract/flink-lag.ts'
import { flinkVersions } from '../rigs/flink-versions.ts'
import { forgetFlink, writeFlink } from './flink-results.ts'

// One version after the other; `-t 'Flink 1.20.5'` runs one of them. Each writes what it found to flink-results.json.
for (const version of flinkVersions)
  flinkLag(version, {
    begin: () => forgetFlink(version),
    end: (reader, moments) => writeFlink({ version, reader, moments: [...moments] }),
  })
