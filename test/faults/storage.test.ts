import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { blockedLog } from './blocked-log.ts'
import { burnProcessors } from './burners.ts'
import { damageEverywhere } from './damaged-storage.ts'
import { filesOf, limitFiles } from './few-files.ts'
import { rawClient } from './raw.ts'
import { addressOf, ids, json, partsOf } from './registrants.ts'
import { fault, runFaults } from './runner.ts'
import { keepShortLeases } from './short-leases.ts'
import { startupStopped } from './stopped-at-start.ts'
import { type SmallDisk, smallDisk } from './tmpfs.ts'
import { eventually, injected } from './waiting.ts'
import type { World, WorldOptions } from './world.ts'

let disk: SmallDisk
const heapMb = 64

const onSmallDisk = async (): Promise<WorldOptions> => {
  disk = await smallDisk('4m')
  return { storage: disk.folder, close: () => disk.close() }
}

async function unchanged(world: World, residents = world.residents): Promise<void> {
  const listed = await eventually('a list', 30_000, async () => {
    const all = await world.listed()
    return all.size > 0 ? all : undefined
  })
  for (const id of residents) expect(listed.has(id), id).toBe(true)
}

runFaults('S', [
  fault({
    id: 'S01',
    title: 'a full disk makes registrations 503 and leaves list, journal and snapshot as they were',
    world: onSmallDisk,
    inject: async (world) => {
      await disk.fill()
      const answers = []
      // The last page of the journal may have room for some more.
      for (const id of ids('faults/full/worker', 60)) answers.push(await world.put(id))
      await world.kill()
      await world.restart()
      await unchanged(world)
      answers.push(await world.put('faults/full/worker/99'))
      injected(
        answers.some(({ status }) => status !== 200),
        'everything could be written',
      )
      return answers.map(({ status, headers }) => ({ status, retry: headers.get('retry-after') !== null }))
    },
    expect: async (world, answers) => {
      const refused = answers.slice(answers.findIndex(({ status }) => status !== 200))
      expect(new Set(refused.map(({ status, retry }) => `${status} ${retry}`))).toEqual(new Set(['503 true']))
      await unchanged(world)
    },
    heal: async (world) => {
      await disk.free()
      await eventually('writing again', 5_000, async () => (await world.put('faults/full/worker/1')).status === 200)
      await world.kill()
      await world.restart()
      await unchanged(world, [...world.residents, 'faults/full/worker/1'])
    },
  }),
  fault({
    id: 'S02',
    title: 'a journal that is cut off at any byte, or has any bit turned, is read as far as it is right',
    inject: async (world) => {
      const everywhere = await damageEverywhere(join(world.storage, 'registry.journal'))
      await world.kill()
      const file = await open(join(world.storage, 'registry.journal'), 'r+')
      const { size } = await file.stat()
      injected(size > 1_000, `the journal has only ${size} bytes`)
      const byte = Buffer.alloc(1)
      const at = Math.floor(size / 2)
      await file.read(byte, 0, 1, at)
      await file.write(Buffer.from([(byte[0] ?? 0) ^ 4]), 0, 1, at)
      await file.close()
      await world.restart()
      await eventually('the damage to be said', 10_000, async () =>
        (await world.process.log()).includes('Registry files are damaged'),
      )
      const { status } = await world.ask('/sd/v1/targets')
      return { everywhere, status }
    },
    expect: async (world, { everywhere, status }) => {
      expect(everywhere.troubles).toEqual([])
      expect(everywhere.tried).toBeGreaterThan(2_500)
      // Somebody is missing: until he can have come back there is no list, so that Prometheus keeps him.
      expect(status).toBe(503)
      await eventually('all to be registered again', 10_000, async () => {
        const { status } = await world.putMany(world.residents)
        return status === 200
      })
      await unchanged(world)
    },
  }),
  fault({
    id: 'S03',
    title: 'with 64 file descriptors and 100 clients it lives, and serves as soon as they are gone',
    inject: async (world) => {
      await limitFiles(world, 64)
      world.oracle.toleratesSilence(true)
      const clients = await Promise.all(Array.from({ length: 100 }, () => rawClient(world.port, 'GET /')))
      await sleep(2_000)
      injected((await filesOf(world)) >= 63, 'there are file descriptors left')
      for (const client of clients) client.close()
      return world.process.pid
    },
    expect: async (world, pid) => {
      await eventually('health', 10_000, async () => (await world.ask('/-/healthy')).status === 200)
      expect(world.process.pid).toBe(pid)
      world.oracle.toleratesSilence(false)
      expect((await world.put('faults/few/worker/1')).status).toBe(200)
    },
    heal: (world) => limitFiles(world, 4_096),
  }),
  fault({
    id: 'S04',
    title: 'with its heap four fifths full it goes on',
    world: (): WorldOptions => ({
      nodeFlags: [`--max-old-space-size=${heapMb}`],
      list: '/sd/v1/targets?namespace=faults',
      maxStallMs: 1_000,
    }),
    inject: async (world) => {
      const used = async (): Promise<number> => ((await world.metric('nodejs_heap_size_used_bytes')) ?? 0) / 1_048_576
      let registered = 0
      while ((await used()) < heapMb * 0.8) {
        injected(registered < 400_000, `${registered} registrations took only ${Math.round(await used())} MB`)
        const items = Array.from({ length: 2_000 }, (_, index) => {
          const id = `heap/full/worker/${registered + index}`
          return { ...partsOf(id), address: addressOf(id), incarnation: '1', lease_seconds: 3_600 }
        })
        const { status } = await world.ask('/v1/registrations', json('PUT', items))
        injected(status === 200, `registering was answered ${status}`)
        registered += items.length
        await sleep(200)
      }
      process.stdout.write(`S04: ${registered} registrations in a heap of ${heapMb} MB\n`)
      return world.process.pid
    },
    expect: async (world, pid) => {
      for (let round = 0; round < 8; round++) {
        const headers = { 'Accept-Encoding': round % 2 === 0 ? 'gzip' : 'identity' }
        const list = await fetch(`${world.url}/sd/v1/targets`, { headers })
        expect(list.status).toBe(200)
        await list.arrayBuffer()
        expect([200, 503]).toContain((await world.put(`faults/more/worker/${round}`)).status)
      }
      expect(world.process.pid).toBe(pid)
    },
  }),
  fault({
    id: 'S05',
    title: 'when others take all processors, no lease ends that was kept alive',
    world: (): WorldOptions => ({ maxStallMs: 2_000 }),
    inject: async (world) => {
      const leases = await keepShortLeases(world)
      const burners = await burnProcessors(4)
      await sleep(15_000)
      const idle = await burners.stop()
      injected(idle < 0.1, `${Math.round(idle * 100)} % of the processors were free`)
      return leases.stop()
    },
    expect: async (_world, lost) => expect(lost).toBe(0),
  }),
  fault({
    id: 'S06',
    title: 'SIGTERM ends it with exit code 0 within ten seconds, whatever it is doing',
    inject: async (world) => {
      const codes: Record<string, number | undefined> = {}
      const phases: Readonly<Record<string, () => Promise<unknown>>> = {
        idle: async () => sleep(500),
        writing: async () => {
          const many = ids('faults/stopped/worker', 5_000)
          world.putMany(many).catch(() => undefined)
          await sleep(30)
        },
        reading: async () => {
          const client = await rawClient(world.port, 'GET /sd/v1/targets HTTP/1.1\r\nHost: x\r\n\r\n')
          client.socket.pause()
        },
        'with a body that does not end': async () =>
          rawClient(
            world.port,
            'PUT /v1/registrations HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n[',
          ),
      }
      for (const [name, begin] of Object.entries(phases)) {
        await begin()
        await world.terminate(10_000)
        codes[name] = world.process.exitCode()
        await world.restart()
      }
      codes['starting'] = await startupStopped(/Starting/, 'demo: false')
      codes['listening'] = await startupStopped(/Listening/, 'demo: false')
      codes['without ZooKeeper'] = await startupStopped(/Listening/, 'zookeeper: { connect: "127.0.0.1:1" }')
      return codes
    },
    expect: async (_world, codes) => {
      expect(Object.keys(codes)).toHaveLength(7)
      expect(Object.entries(codes).filter(([, code]) => code !== 0)).toEqual([])
    },
  }),
  fault({
    id: 'S07',
    title: 'of what was acknowledged nothing is lost in 50 SIGKILLs',
    inject: async (world) => {
      let acknowledged = 0
      for (let round = 0; round < 50; round++) {
        const pid = world.process.pid
        const writes = ids(`faults/killed/r${round}`, 20).map((id) =>
          world.put(id).then(
            ({ status }) => void (status === 200 && acknowledged++),
            () => undefined,
          ),
        )
        await sleep(Math.random() * 60)
        await world.kill()
        await Promise.all(writes)
        await world.restart()
        injected(world.process.pid !== pid, 'it is the same process')
      }
      process.stdout.write(`S07: ${acknowledged} registrations acknowledged around 50 kills\n`)
      injected(acknowledged > 50, 'hardly anything was acknowledged')
    },
    // The oracle looks for each of them; here it is given the time to see the last ones.
    expect: async (world) => {
      await sleep(6_000)
      await unchanged(world)
    },
  }),
  fault({
    id: 'S08',
    title: 'a reader of its log that stops reading holds nothing up, not even its end',
    world: blockedLog.world,
    inject: async (world) => {
      const before = await world.rssMb()
      const many = ids('faults/wordy/worker', 150)
      // Each writes a line of some kilobytes; past the pipe the logger keeps 1 MiB.
      for (let index = 0; index < 400; index++) await world.putMany(many)
      injected(await blockedLog.isFull(), 'the pipe of the log is not full')
      const answer = await world.put('faults/mute/worker/1')
      return { grownMb: (await world.rssMb()) - before, status: answer.status }
    },
    expect: async (world, { grownMb, status }) => {
      expect(status).toBe(200)
      expect(grownMb).toBeLessThan(100)
      await eventually('it to be listed', 5_000, async () => (await world.listed()).has('faults/mute/worker/1'))
      await world.terminate(10_000)
    },
    heal: async (world) => {
      await blockedLog.drain()
      await world.restart()
    },
  }),
])
