import { expect, it } from 'vitest'
import type { WatchEvent } from '../../src/zookeeper/watches.ts'
import { until, type ZookeeperWorld } from './zookeeper-world.ts'

const nothing = Buffer.alloc(0)

export function watchContract({ line, client, behindProxy, connect, place }: ZookeeperWorld): void {
  it('fires one-shot watches once, for what was watched', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()
    const events: WatchEvent[] = []
    const watch = (event: WatchEvent): number => events.push(event)
    expect(await zookeeper.exists(path, { watch })).toBeUndefined()

    await zookeeper.create(path, nothing)
    expect(events).toEqual([{ type: 'created', path }])
    await zookeeper.getData(path, { watch })
    await zookeeper.getChildren(path, { watch })
    await zookeeper.create(`${path}/child`, nothing)
    await zookeeper.setData(path, Buffer.from('1'))
    await zookeeper.setData(path, Buffer.from('2'))
    await zookeeper.delete(`${path}/child`)
    await zookeeper.exists(path, { watch })
    await zookeeper.delete(path)
    await zookeeper.sync()

    expect(events.slice(1)).toEqual([
      { type: 'children', path },
      { type: 'changed', path },
      { type: 'deleted', path },
    ])
  })

  it('sees all that happens below a recursive watch', async () => {
    await using running = client()
    await using other = client()
    const { zookeeper } = running
    const path = place()
    const events: WatchEvent[] = []
    await zookeeper.create(path, nothing)
    const watching = zookeeper.addWatch(path, 'recursive', (event) => events.push(event))
    if (line !== '3.9') {
      await expect(watching).rejects.toMatchObject({ code: 'UNIMPLEMENTED' })
      expect(await zookeeper.exists(path)).toBeDefined()
      return
    }
    const watch = await watching

    await other.zookeeper.create(`${path}/a`, nothing)
    await other.zookeeper.create(`${path}/a/b`, nothing)
    await other.zookeeper.setData(`${path}/a/b`, Buffer.from('1'))
    await other.zookeeper.delete(`${path}/a/b`)
    await until('four events', () => events.length === 4)
    watch.close()
    await other.zookeeper.create(`${path}/c`, nothing)
    await zookeeper.sync()

    expect(events).toEqual([
      { type: 'created', path: `${path}/a` },
      { type: 'created', path: `${path}/a/b` },
      { type: 'changed', path: `${path}/a/b` },
      { type: 'deleted', path: `${path}/a/b` },
    ])
  })

  it('names paths below the chroot in events', async () => {
    await using running = client({ connect: `${connect()}${place()}` })
    const { zookeeper } = running
    const events: WatchEvent[] = []
    await zookeeper.makeChroot()
    await zookeeper.getChildren('/', { watch: (event) => events.push(event) })
    await zookeeper.exists('/a', { watch: (event) => events.push(event) })

    await zookeeper.create('/a', nothing)

    expect(events.toSorted((a, b) => a.path.localeCompare(b.path))).toEqual([
      { type: 'children', path: '/' },
      { type: 'created', path: '/a' },
    ])
  })

  it('learns after a lost connection what one-shot watches have missed', async () => {
    await using running = await behindProxy()
    await using other = client()
    const { zookeeper, proxy } = running
    const path = place()
    const events: WatchEvent[] = []
    const watch = (event: WatchEvent): number => events.push(event)
    await zookeeper.create(path, nothing)
    await zookeeper.create(`${path}/kept`, nothing)
    await zookeeper.create(`${path}/gone`, nothing)
    await zookeeper.getData(path, { watch })
    await zookeeper.getData(`${path}/kept`, { watch })
    await zookeeper.getData(`${path}/gone`, { watch })
    await zookeeper.exists(`${path}/new`, { watch })
    await zookeeper.getChildren(`${path}/kept`, { watch })

    proxy.close()
    await until('the connection is lost', () => running.states().at(-1) === 'connecting')
    await other.zookeeper.setData(path, Buffer.from('1'))
    await other.zookeeper.delete(`${path}/gone`)
    await other.zookeeper.create(`${path}/new`, nothing)
    await other.zookeeper.create(`${path}/kept/child`, nothing)
    proxy.open()
    await until('all is told', () => events.length === 4)
    await other.zookeeper.setData(`${path}/kept`, Buffer.from('1'))
    await until('the watch that missed nothing is still there', () => events.length === 5)

    expect(events.map(({ type, path: at }) => `${type} ${at.slice(path.length)}`).toSorted()).toEqual([
      'changed ',
      'changed /kept',
      'children /kept',
      'created /new',
      'deleted /gone',
    ])
    expect(running.states()).not.toContain('expired')
  })

  it('keeps a recursive watch over a lost connection', async () => {
    if (line !== '3.9') return
    await using running = await behindProxy()
    await using other = client()
    const { zookeeper, proxy } = running
    const path = place()
    const events: WatchEvent[] = []
    await zookeeper.create(path, nothing)
    await zookeeper.addWatch(path, 'recursive', (event) => events.push(event))

    proxy.cut()
    await until('the connection is back', () => running.states().filter((state) => state === 'connected').length === 2)
    await zookeeper.sync()
    await other.zookeeper.create(`${path}/after`, nothing)
    await until('an event', () => events.length > 0)

    expect(events).toEqual([{ type: 'created', path: `${path}/after` }])
  })
}
