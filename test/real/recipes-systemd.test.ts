import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { recipeFences } from '../docs/fences.ts'
import { run } from '../rigs/run.ts'

let folder: string
let names: readonly string[]

/** The units of docs/recipes/systemd.md as files, with a program that this machine has for each that it may lack. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-units-'))
  const units = recipeFences().filter(({ language }) => language === 'ini')
  names = units.map((_, index) => `recipe-${index}.service`)
  for (const [index, { text }] of units.entries()) {
    const here = text.replaceAll('/usr/bin/node', process.execPath).replaceAll('/usr/bin/java', process.execPath)
    await writeFile(join(folder, names[index] ?? ''), here)
  }
  await writeFile(join(folder, 'orders.service'), `[Service]\nExecStart=${process.execPath}\n`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function systemdAnalyze(...args: readonly string[]) {
  return run('env', [`SYSTEMD_UNIT_PATH=${folder}:`, 'systemd-analyze', ...args], { cwd: folder })
}

it('are units that systemd takes without a word', async () => {
  expect(names).toHaveLength(3)
  for (const name of names) {
    const { code, stdout, stderr } = await systemdAnalyze('verify', '--man=no', `./${name}`)

    expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes(name))).toEqual([])
    expect(code, stderr).toBe(0)
  }
})

it('would be found out if a directive were wrong', async () => {
  await writeFile(join(folder, 'wrong.service'), `[Service]\nExecStart=${process.execPath}\nProtectSytem=strict\n`)
  const { stderr } = await systemdAnalyze('verify', '--man=no', './wrong.service')

  expect(stderr).toContain("Unknown key 'ProtectSytem'")
})

it('leave the daemon little to do harm with', async () => {
  const { stdout } = await systemdAnalyze('security', '--offline=true', '--no-pager', `./${names[0]}`)
  const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])

  // 10 is a unit without any of it.
  expect(exposure, stdout).toBeLessThanOrEqual(2)
})
