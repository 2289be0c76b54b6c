import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recover } from '../../src/registry/recover.ts'

export interface Damage {
  readonly tried: number
  /** What should not have been: a throw, a record that was never written, a whole one that was not read. */
  readonly troubles: readonly string[]
}

/** Reads the first kilobytes of a journal cut off at every byte, and with a bit turned in every byte. */
export async function damageEverywhere(journal: string): Promise<Damage> {
  const whole = linesOf(await readFile(journal)).subarray(0, 1_500)
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-damage-'))
  const read = async (bytes: Uint8Array): Promise<readonly string[]> => {
    const found: string[] = []
    await writeFile(join(folder, 'registry.journal'), bytes)
    await recover(folder, (body) => void found.push(JSON.stringify(body)))
    return found
  }
  const troubles: string[] = []
  let tried = 0
  try {
    const all = await read(whole)
    const known = new Set(all)
    const check = async (what: string, bytes: Uint8Array, least: number): Promise<void> => {
      tried++
      try {
        const found = await read(bytes)
        if (found.some((one) => !known.has(one))) troubles.push(`${what}: a record that nobody wrote`)
        if (found.length < least) troubles.push(`${what}: ${found.length} records, expected ${least} at least`)
      } catch (error) {
        troubles.push(`${what}: ${String(error)}`)
      }
    }
    for (let at = 0; at < whole.length; at++) {
      const before = (await read(whole.subarray(0, whole.lastIndexOf(10, at - 1) + 1))).length
      await check(`cut off at byte ${at}`, whole.subarray(0, at), at === 0 ? 0 : before)
      const turned = Buffer.from(whole)
      turned[at] = (turned[at] ?? 0) ^ (1 << (at % 8))
      // A line end that becomes something else joins two lines.
      await check(`bit ${at % 8} of byte ${at}`, turned, all.length - 2)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return { tried, troubles: troubles.slice(0, 10) }
}

function linesOf(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.lastIndexOf(10) + 1)
}
