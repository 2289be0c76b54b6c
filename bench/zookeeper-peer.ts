import { type Client, createClient, type Event, type Stat } from 'node-zookeeper-client'

const inFlight = 1_000

/**
 * A tree of two levels below `root` as node-zookeeper-client reads it, kept up to date by one-shot watches: one request a
 * znode, as a program on it must.
 */
export async function readWithPeer(
  connect: string,
  root: string,
  onData: (path: string, data: Buffer) => void,
): Promise<ReadonlyMap<string, Buffer>> {
  const client: Client = createClient(connect, { sessionTimeout: 20_000 })
  await new Promise<void>((resolve) => {
    client.once('connected', resolve)
    client.connect()
  })
  const nodes = new Map<string, Buffer>()
  const list = (path: string): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      const watch = (): void => undefined
      client.getChildren(path, watch, (error: unknown, children: string[]) =>
        error === null ? resolve(children.map((name) => `${path}/${name}`)) : reject(error),
      )
    })
  const read = (path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const watch = (_: Event): void => {
        read(path).catch(() => undefined)
      }
      client.getData(path, watch, (error: unknown, data: Buffer, _: Stat) => {
        if (error !== null) return reject(error)
        nodes.set(path, data)
        onData(path, data)
        return resolve()
      })
    })
  const directories = await list(root)
  const members = (await Promise.all(directories.map(list))).flat()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < members.length) await read(members[next++] ?? '')
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return nodes
}
