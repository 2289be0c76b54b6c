import { readdir, readFile, readlink } from 'node:fs/promises'

export interface PortRange {
  readonly from: number
  readonly to: number
}

/**
 * The lowest port of the range on which a process, or one that it has started, accepts connections; undefined while
 * there is none. Reads Linux' /proc: asking the ports themselves could not tell two processes of one kind apart.
 *
 * @see proc_pid_net(5), proc_pid_fd(5), proc_pid_stat(5)
 */
export async function listeningPort(pid: number, { from, to }: PortRange): Promise<number | undefined> {
  // The network namespace is that of the process, which may be another one than ours.
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => read(`/proc/${pid}/net/${name}`)))
  const sockets = tables
    .flatMap(parseListening)
    .filter(({ port }) => port >= from && port <= to)
    .toSorted((a, b) => a.port - b.port)
  if (sockets.length === 0) return undefined
  const owned = new Set<string>()
  for (const one of await descendants(pid)) for (const link of await openFiles(one)) owned.add(link)
  return sockets.find(({ inode }) => owned.has(`socket:[${inode}]`))?.port
}

/** The listening sockets in a table such as /proc/net/tcp: ports in hexadecimal, state 0A, the inode in column ten. */
export function parseListening(table: string): readonly { readonly port: number; readonly inode: string }[] {
  return table.split('\n').flatMap((line) => {
    const columns = line.trim().split(/\s+/)
    const [, local = '', , state, , , , , , inode = ''] = columns
    if (state !== '0A') return []
    return [{ port: Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16), inode }]
  })
}

/** A process and all below it. */
async function descendants(root: number): Promise<readonly number[]> {
  const children = new Map<number, number[]>()
  for (const name of await list('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await read(`/proc/${name}/stat`)
    // The name before it stands in brackets and may hold any character.
    const parent = Number(
      stat
        .slice(stat.lastIndexOf(')') + 1)
        .trim()
        .split(' ')[1],
    )
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [root]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found
}

async function openFiles(pid: number): Promise<readonly string[]> {
  const links = (await list(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))
  return Promise.all(links)
}

/** A process may end, or not be ours to look at, between any two reads. */
function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

function list(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => [])
}
