import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { examinations } from '../../src/jobs/findings.ts'
import { flinkSupport } from '../../src/jobs/flink-versions.ts'
import { findingKinds } from '../../src/model/finding.ts'
import { jobStates } from '../../src/model/job-view.ts'
import { readOpenApi } from '../http/openapi-file.ts'

const page = readFileSync(new URL('../../docs/jobs.md', import.meta.url), 'utf8')

it('docs/jobs.md has every finding, the worst first, and after how long it is told', () => {
  const rows = [...page.matchAll(/^\| `([a-z_]+)` \|[^|]+\| ([^|]+) \|/gm)].map(([, kind, after]) => [kind, after])
  const settles = findingKinds.map((kind) => {
    const minutes = examinations[kind].settlesMs / 60_000
    return [kind, minutes === 0 ? 'at once' : `${minutes} min`]
  })

  expect(rows).toEqual(settles)
})

it('docs/jobs.md has the end of support of every version of Flink that the code knows', () => {
  const days = [...page.matchAll(/(?<=\| )(\d\.\d+) \| (\d{4}-\d\d-\d\d)(?= \|)/g)].map(([, version, day]) => [
    version,
    day,
  ])

  expect(new Map(days.map(([version = '', day = '']) => [version, day]))).toEqual(flinkSupport)
})

it('docs/openapi.yaml has the findings and states that there are', () => {
  const api = readOpenApi()

  expect(api.schema('FindingKind')['enum']).toEqual(findingKinds)
  expect(Object(api.schema('Job')['properties'])['state']).toEqual({ enum: jobStates })
})
