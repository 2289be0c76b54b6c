import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { consumerPage } from './consumer.ts'
import { discovery } from './discovery.ts'
import { fleet } from './fleet.ts'
import { flinkJobs } from './flink-jobs.ts'
import { self } from './self.ts'

/** File name in `dashboards/` to the text it must have. */
export function dashboardFiles(): Readonly<Record<string, string>> {
  const dashboards = {
    'fleet.json': fleet(),
    'consumer.json': consumerPage(),
    'flink-jobs.json': flinkJobs(),
    'discovery.json': discovery(),
    'self.json': self(),
  }
  return Object.fromEntries(
    Object.entries(dashboards).map(([file, dashboard]) => [file, `${JSON.stringify(dashboard, null, 2)}\n`]),
  )
}

/** Where a committed dashboard stands. */
export function dashboardPath(file: string): string {
  return fileURLToPath(new URL(`../${file}`, import.meta.url))
}

// npx tsx dashboards/src/build.ts --write | --check
for (const [file, text] of Object.entries(dashboardFiles())) {
  if (process.argv.includes('--write')) writeFileSync(dashboardPath(file), text)
  if (process.argv.includes('--check') && readFileSync(dashboardPath(file), 'utf8') !== text) {
    process.stderr.write(
      `dashboards/${file} differs from its source: run \`npx tsx dashboards/src/build.ts --write\`\n`,
    )
    process.exitCode = 1
  }
}
