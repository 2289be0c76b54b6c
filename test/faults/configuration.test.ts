import { cp, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { encodeRecord } from '../../src/registry/record-file.ts'
import { freePorts } from '../rigs/ports.ts'
import { type RunResult, run } from '../rigs/run.ts'
import { badConfigurations, badWebConfigurations, configurationPath, half, webCanary } from './bad-configurations.ts'
import { daemonArgs } from './build.ts'
import { ids } from './registrants.ts'
import { fault, runFaults } from './runner.ts'
import { tlsWorld } from './tls-world.ts'
import { bearer, digest, tokens } from './tokens.ts'
import { eventually, injected } from './waiting.ts'
import type { World, WorldOptions } from './world.ts'

async function startOnce(args: readonly string[]): Promise<RunResult> {
  return run(process.execPath, [...(await daemonArgs()), ...args], { timeoutMs: 20_000 })
}

const reload = (world: World) => world.ask('/-/reload', { method: 'POST' })
const reloadOk = (world: World) => world.metric('lagkeeper_config_last_reload_successful')

async function fileDescriptors({ process: { pid } }: World): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length
}

const rotated = {
  old: 'canary-old-token-77ab',
  next: 'canary-next-token-1c2d',
  wrong: 'canary-wrong-token-0000',
} as const
const rotatingWorld = (): WorldOptions => ({
  files: { 'a.sha256': digest(rotated.old), 'b.sha256': digest(tokens.teamB) },
  secrets: [...Object.values(rotated), digest(rotated.old), digest(rotated.next)],
  yaml: (folder) =>
    [
      'registration:',
      '  tokens:',
      `    - { name: team, sha256_file: "${folder}/a.sha256", namespaces: [".*"], scopes: [register, reload] }`,
      `    - { name: team, sha256_file: "${folder}/b.sha256", namespaces: [".*"], scopes: [register, reload] }`,
    ].join('\n'),
})

runFaults('P', [
  fault({
    id: 'P01',
    title: 'a configuration that is wrong is refused with its file and place, at the start and at a reload',
    world: (): WorldOptions => ({ secrets: [webCanary] }),
    inject: async (world) => {
      const good = await readFile(world.configFile, 'utf8')
      const outcomes: { what: string; problem: string }[] = []
      const judge = (what: string, code: number | undefined, said: string, file: string, names: RegExp): void => {
        if (code !== 2) outcomes.push({ what, problem: `exit code ${code}: ${said.slice(0, 200)}` })
        if (!said.includes(file)) outcomes.push({ what, problem: `the file is not named: ${said.slice(0, 200)}` })
        if (!names.test(said.replaceAll(file, '')))
          outcomes.push({ what, problem: `the place is not named: ${said.slice(0, 200)}` })
        if (said.includes(webCanary)) outcomes.push({ what, problem: 'a secret was printed' })
      }
      for (const [index, { what, names, write }] of badConfigurations.entries()) {
        const file = configurationPath(world.folder, index)
        await write(file)
        // A process for each would take minutes; all are read by the same code.
        if (index % 4 === 0) {
          const { code, stderr, stdout } = await startOnce(['check', 'config', file])
          judge(what, code === 1 ? 2 : code, stdout + stderr, file, names)
        }
        await rm(world.configFile, { recursive: true, force: true })
        await write(world.configFile)
        const { status, text } = await reload(world)
        judge(
          `reload: ${what}`,
          status === 500 ? 2 : status,
          JSON.parse(text).problems?.join('\n') ?? '',
          world.configFile,
          names,
        )
        if ((await reloadOk(world)) !== 0) outcomes.push({ what, problem: 'the metric says that the reload went well' })
        await rm(world.configFile, { recursive: true, force: true })
      }
      await writeFile(world.configFile, good)
      const starts = await startOnce([`--config.file=${configurationPath(world.folder, 6)}`])
      judge('start with an unknown block', starts.code, starts.stderr, 'bad-6.yaml', /webb/)
      return outcomes
    },
    expect: async (world, outcomes) => {
      expect(outcomes).toEqual([])
      expect((await reload(world)).status).toBe(200)
      expect(await reloadOk(world)).toBe(1)
    },
  }),
  fault({
    id: 'P01',
    title: 'a web configuration that is wrong is refused with its file and place',
    world: tlsWorld.options,
    inject: async (world) => {
      const outcomes: { what: string; problem: string }[] = []
      for (const { what, text, names } of badWebConfigurations) {
        await tlsWorld.configure(`${text}\n`)
        const { status, text: said } = await reload(world)
        if (status !== 500) outcomes.push({ what, problem: `a reload with it was answered ${status}` })
        else if (!names.test(said)) outcomes.push({ what, problem: `the place is not named: ${said.slice(0, 200)}` })
        if (said.includes(webCanary)) outcomes.push({ what, problem: 'a secret was printed' })
      }
      return outcomes
    },
    expect: async (_world, outcomes) => expect(outcomes).toEqual([]),
    heal: async (world) => {
      await tlsWorld.configure(tlsWorld.good)
      await reload(world)
    },
  }),
  fault({
    id: 'P02',
    title: 'a hundred reloads under load leak nothing and are seen by nobody',
    inject: async (world) => {
      const good = await readFile(world.configFile, 'utf8')
      await reload(world)
      const before = { fds: await fileDescriptors(world), rss: await world.rssMb() }
      let isOver = false
      const failures: string[] = []
      const load = ids('faults/loaded/worker', 4).map(async (id) => {
        while (!isOver) {
          const { status } = await world.put(id)
          if (status !== 200) failures.push(`put ${status}`)
          const list = await world.ask('/sd/v1/targets')
          if (list.status !== 200) failures.push(`list ${list.status}`)
        }
      })
      const statuses = new Set<number>()
      for (let round = 0; round < 100; round++) {
        await writeFile(
          `${world.configFile}.next`,
          `${good}\nobjectives: [{ consumer: "c${round}", records: ${round}, owner: x }]\n`,
        )
        await rename(`${world.configFile}.next`, world.configFile)
        statuses.add((await reload(world)).status)
      }
      isOver = true
      await Promise.all(load)
      await writeFile(world.configFile, good)
      await sleep(1_000)
      const after = { fds: await fileDescriptors(world), rss: await world.rssMb() }
      return { before, after, failures, statuses: [...statuses] }
    },
    expect: async (_world, { before, after, failures, statuses }) => {
      process.stdout.write(
        `P02: fds ${before.fds} to ${after.fds}, RSS ${Math.round(before.rss)} to ${Math.round(after.rss)} MB\n`,
      )
      expect(statuses).toEqual([200])
      expect(failures).toEqual([])
      expect(after.fds).toBeLessThanOrEqual(before.fds + 16)
      expect(after.rss).toBeLessThan(before.rss + 80)
    },
  }),
  fault({
    id: 'P03',
    title: 'a file that is half written, empty or gone when it is read changes nothing, or only what it says',
    inject: async (world) => {
      const good = await readFile(world.configFile, 'utf8')
      const statuses = new Map<number, number>()
      for (let position = 0; position < good.length; position += 3) {
        await writeFile(world.configFile, half(good, position))
        const { status } = await reload(world)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
      await unlink(world.configFile)
      const gone = (await reload(world)).status
      await writeFile(world.configFile, good)
      injected((statuses.get(500) ?? 0) > 5, 'hardly any half of the file was refused')
      return { statuses: [...statuses.keys()].toSorted(), gone }
    },
    expect: async (world, { statuses, gone }) => {
      for (const status of statuses) expect([200, 500]).toContain(status)
      expect(gone).toBe(500)
      expect((await reload(world)).status).toBe(200)
      expect(await reloadOk(world)).toBe(1)
    },
  }),
  fault({
    id: 'P04',
    title: 'a second one with the same configuration ends with exit code 2, and the first does not notice',
    inject: async (world) => {
      const [port = 0] = await freePorts(1)
      const same = await startOnce([`--config.file=${world.configFile}`])
      const otherPort = await startOnce([`--config.file=${world.configFile}`, `--web.listen-address=127.0.0.1:${port}`])
      return { same, otherPort }
    },
    expect: async (world, { same, otherPort }) => {
      expect([same.code, otherPort.code]).toEqual([2, 2])
      expect(same.stderr).toMatch(/in use/)
      expect(otherPort.stderr).toContain('storage.path')
      expect((await world.listed()).size).toBeGreaterThanOrEqual(world.residents.length)
    },
  }),
  fault({
    id: 'P05',
    title: 'a secret in a file can be exchanged without a restart, and is never printed',
    world: rotatingWorld,
    inject: async (world) => {
      const asks = async (token: string) => {
        const { status } = await world.put('faults/rotated/worker/1', {}, bearer(token))
        return status === 401 || status === 403 ? 'refused' : status
      }
      const before = { old: await asks(rotated.old), next: await asks(rotated.next), wrong: await asks(rotated.wrong) }
      await writeFile(join(world.folder, 'b.sha256'), digest(rotated.next))
      injected((await reload(world)).status === 200, 'the reload was refused')
      const both = { old: await asks(rotated.old), next: await asks(rotated.next) }
      await writeFile(join(world.folder, 'a.sha256'), digest(tokens.teamA))
      process.kill(world.process.pid ?? 0, 'SIGHUP')
      await eventually('the old token to be refused', 5_000, async () => (await asks(rotated.old)) === 'refused')
      return { before, both, after: { next: await asks(rotated.next) } }
    },
    expect: async (_world, { before, both, after }) => {
      expect(before).toEqual({ old: 200, next: 'refused', wrong: 'refused' })
      expect(both).toEqual({ old: 200, next: 200 })
      expect(after).toEqual({ next: 200 })
    },
  }),
  fault({
    id: 'P06',
    title: 'files of a newer version are not read, not overwritten and not taken for none',
    inject: async (world) => {
      const copy = join(world.folder, 'copy')
      await cp(world.storage, copy, { recursive: true, filter: (path) => !path.endsWith('.socket') })
      const newer = encodeRecord({ order: 0, body: JSON.stringify({ format: 'lagkeeper-registry', version: 2 }) })
      const outcomes: Record<string, { code: number | undefined; stderr: string; isSame: boolean }> = {}
      for (const name of ['registry.snapshot', 'registry.journal']) {
        const folder = join(world.folder, `newer-${name}`)
        await cp(copy, folder, { recursive: true })
        const text = await readFile(join(folder, name), 'utf8').catch(() => '')
        const content = newer + text.slice(text.indexOf('\n') + 1)
        await writeFile(join(folder, name), content)
        const file = join(world.folder, `${name}.yaml`)
        await writeFile(file, `web: { listen_address: "127.0.0.1:0" }\nstorage: { path: "${folder}" }\ndemo: false\n`)
        const { code, stderr } = await startOnce([`--config.file=${file}`])
        outcomes[name] = { code, stderr, isSame: (await readFile(join(folder, name), 'utf8')) === content }
      }
      return outcomes
    },
    expect: async (_world, outcomes) => {
      expect(Object.keys(outcomes)).toHaveLength(2)
      for (const [name, { code, stderr, isSame }] of Object.entries(outcomes)) {
        expect([name, code, isSame]).toEqual([name, 2, true])
        expect(stderr).toContain('storage.path')
      }
    },
  }),
])
