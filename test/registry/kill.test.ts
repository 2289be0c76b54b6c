import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { decodeChange } from '../../src/registry/change-record.ts'
import { recover } from '../../src/registry/recover.ts'

const writer = fileURLToPath(new URL('kill-writer.ts', import.meta.url))

it('loses nothing that was acknowledged before a SIGKILL, again and again', async () => {
  const storagePath = await mkdtemp(join(tmpdir(), 'lagkeeper-kill-'))
  const kept = new Set<string>()
  const uncertain = new Set<string>()
  try {
    for (let round = 0; round < 4; round++) {
      const said = await killedAfter(storagePath, `round${round}`, 50 + Math.random() * 200)
      // The last line may be cut: what it would say is not acknowledged.
      for (const line of said.split('\n').slice(0, -1)) {
        const [sign, instance = ''] = line.split(' ')
        if (sign === '+') kept.add(instance)
        else if (sign === '?') uncertain.add(instance)
        else kept.delete(instance)
        if (sign === '-') uncertain.delete(instance)
      }
      const found = new Set<string>()
      await recover(storagePath, (body, order) => {
        const change = decodeChange(body, order)
        if ('put' in change) found.add(change.put.registration.instance)
        else if ('drop' in change) found.delete(change.drop.split('/').at(-1) ?? '')
      })
      const lost = [...kept].filter((instance) => !found.has(instance) && !uncertain.has(instance))

      expect(lost).toEqual([])
    }
    expect(kept.size).toBeGreaterThan(20)
  } finally {
    await rm(storagePath, { recursive: true })
  }
}, 60_000)

async function killedAfter(storagePath: string, prefix: string, ms: number): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', writer, storagePath, prefix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  const first = new Promise<void>((resolve) => {
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString()
      resolve()
    })
  })
  const closed = new Promise((resolve) => child.once('close', resolve))
  await Promise.race([first, closed])
  await sleep(ms)
  child.kill('SIGKILL')
  await closed
  return said
}
