import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createIdentityReader, isSameProcess, judgePage } from '../../src/targets/process-identity.ts'

const flinkPage = `# HELP flink_taskmanager_Status_JVM_CPU_Load Load (scope: taskmanager_Status_JVM_CPU)
# TYPE flink_taskmanager_Status_JVM_CPU_Load gauge
flink_taskmanager_Status_JVM_CPU_Load{host="worker_7",tm_id="container_1700_01_000002",} 0.25
process_start_time_seconds 1.7000000001E9
`
const javaPage = `# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.700000000123E9
other 1
`

/** Pages as they may come over the wire. */
function read(page: string, size = page.length): string | undefined {
  const reader = createIdentityReader()
  const bytes = new TextEncoder().encode(page)
  for (let at = 0; at < bytes.length; at += size) if (reader.push(bytes.subarray(at, at + size))) break
  return reader.end(true)
}

it.each([
  ['the TaskManager before the start time', flinkPage, 'tm_id=container_1700_01_000002'],
  ['the start time', javaPage, 'start=1700000000.123'],
  ['a start time with labels and a timestamp', 'process_start_time_seconds{a="b"} 5 1700\n', 'start=5'],
  ['a last line without an end', 'process_start_time_seconds 7', 'start=7'],
  ['nothing in a comment', '# process_start_time_seconds 7\n# x{tm_id="a"} 1\n', undefined],
  ['no value that is none', 'process_start_time_seconds NaN\n', undefined],
  ['no metric with a longer name', 'my_process_start_time_seconds 7\nprocess_start_time_seconds_total 7\n', undefined],
  ['no label with a longer name', 'x{my_tm_id="a"} 1\n', undefined],
  ['an escaped quote', 'x{tm_id="a\\"b"} 1\n', 'tm_id=a\\"b'],
  ['nothing in an endless line', `${'x'.repeat(40_000)}{tm_id="a"} 1\nprocess_start_time_seconds 7\n`, 'start=7'],
  ['nothing at all', '', undefined],
])('finds %s', (_, page, expected) => {
  expect(read(page)).toBe(expected)
  expect(read(page, 1)).toBe(expected)
  expect(read(page, 7)).toBe(expected)
})

it('needs no more once it has the TaskManager', () => {
  const reader = createIdentityReader()

  expect(reader.push(new TextEncoder().encode(javaPage))).toBe(false)
  expect(reader.push(new TextEncoder().encode(flinkPage))).toBe(true)
})

it('does not take a cut off last line for the truth', () => {
  const reader = createIdentityReader()
  reader.push(new TextEncoder().encode('process_start_time_seconds 17'))

  expect(reader.end(false)).toBeUndefined()
})

it('survives any bytes in any pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
      const reader = createIdentityReader()
      for (const chunk of chunks) reader.push(chunk)
      reader.end(true)
    }),
  )
})

it.each([
  ['tm_id=a', 'tm_id=a', true],
  ['tm_id=a', 'tm_id=b', false],
  ['start=1700000000.12', 'start=1700000000.9', true],
  ['start=1700000000.12', 'start=1700000001.2', false],
  ['tm_id=a', 'start=1', undefined],
])('compares %s to %s', (one, other, expected) => {
  expect(isSameProcess(one, other)).toBe(expected)
  expect(isSameProcess(other, one)).toBe(expected)
})

it.each([
  [undefined, 'tm_id=a', 'unverified'],
  ['tm_id=a', undefined, 'unverified'],
  ['tm_id=a', 'start=1', 'unverified'],
  ['tm_id=a', 'tm_id=a', 'same'],
  ['tm_id=b', 'tm_id=a', 'other'],
])('of a page that says %s where %s was learnt the verdict is %s', (found, known, verdict) => {
  expect(judgePage(found, known).verdict).toBe(verdict)
})
