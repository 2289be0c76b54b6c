import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createHeadReader } from '../../src/discovery/page-head.ts'
import { ownText } from '../../src/model/own-text.ts'
import { createIdentityReader } from '../../src/targets/process-identity.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const pages = 400
const pageBytes = 64 * 1024

function page(index: number): Buffer {
  const line = `flink_taskmanager_Status_JVM_CPU_Load{host="h",tm_id="container_e01_1700000000000_0001_01_${index}",} 0.5\n`
  return Buffer.from(line.repeat(Math.ceil(pageBytes / line.length)))
}

/** Megabytes that stay as long as what was read of so many pages is kept. */
function keptMb(read: (bytes: Buffer) => unknown): number {
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const kept = Array.from({ length: pages }, (_, index) => read(page(index)))
  collectGarbage()
  const after = process.memoryUsage().heapUsed
  expect(kept).toHaveLength(pages)
  return (after - before) / 2 ** 20
}

describe('ownText()', () => {
  it.each(['', 'a', 'container_e01_1700000000000_0001_01_000002', 'é ü "\\\n\u{1f600}', '\ud800 alone'])(
    'is the same text: %j',
    (text) => {
      expect(ownText(text)).toBe(text)
    },
  )
})

describe('what is kept of a page', () => {
  it.each([
    ['head', () => createHeadReader()],
    ['identity', () => createIdentityReader()],
  ] as const)('is not the page: its %s', (_, create) => {
    const mb = keptMb((bytes) => {
      const reader = create()
      reader.push(bytes)
      return reader.end(false)
    })
    // All of them are 25 MB.
    expect(mb).toBeLessThan(5)
  })
})
