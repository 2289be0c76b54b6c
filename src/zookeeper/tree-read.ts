import { crc32 } from 'node:zlib'
import { DecodeError } from '../runtime/errors.ts'
import { eachOf, inBatches } from './batches.ts'
import type { Zookeeper } from './client.ts'
import { ZookeeperError, type ZookeeperErrorCode } from './errors.ts'
import { childOf } from './paths.ts'
import type { Stat } from './records.ts'
import type { MultiReadResult } from './transactions.ts'
import type { Watcher } from './watches.ts'

export interface TreeNode {
  readonly data: Buffer
  readonly version: number
  readonly czxid: bigint
  readonly mzxid: bigint
  /** 0 for what is no ephemeral. */
  readonly ephemeralOwner: bigint
  /** Instead of the data, when it was forgotten. */
  readonly digest?: number | undefined
}

interface Subtrees {
  /** By full path. */
  readonly nodes: Map<string, TreeNode>
  /** Those of the wanted paths that do not exist. */
  readonly missing: ReadonlySet<string>
  /** What exists and could not be read (or listed), with the server's reason. */
  readonly unreadable: Map<string, ZookeeperErrorCode>
}

interface TreeReadOptions {
  readonly signal: AbortSignal
  /** False: neither read nor entered. */
  readonly includes?: (path: string) => boolean
  /** Sets one-shot watches on data and children of all that is read (one request a read). */
  readonly watch?: Watcher
  /** What was read before: a znode that is as it was stays the same object, so that a second look costs no memory. */
  readonly known?: ReadonlyMap<string, TreeNode>
}

export interface TreeReader {
  /** These znodes and everything below them. @throws as the client's reads, but for a single znode's refusal. */
  read(paths: readonly string[], options: TreeReadOptions): Promise<Subtrees>
  /** Data and stat of these znodes alone, handed over as they come. */
  readData(paths: readonly string[], options: TreeReadOptions, take: (result: DataResult) => void): Promise<void>
  list(
    directories: readonly Directory[],
    options: TreeReadOptions,
    take: (result: ChildrenResult) => void,
  ): Promise<void>
}

interface Directory {
  readonly path: string
  readonly numChildren: number
}

type Failed = Extract<MultiReadResult, { readonly type: 'error' }>
type DataResult = Extract<MultiReadResult, { readonly type: 'data' }> | Failed
type ChildrenResult = Extract<MultiReadResult, { readonly type: 'children' }> | Failed

const maxBatch = 500
const maxBatchBytes = 512 * 1024
const usualBytes = 2_048
/** Read first, to learn how much a znode holds: so many of the longest (1 MB) are still one answer of 16 MiB. */
const firstBatch = 15
/** Stat, header and length of one result. */
const overheadBytes = 100
/** A child's name, when nothing better is known. */
const nameBytes = 48
const batchesAtOnce = 2
/** With one-shot watches every znode is a request of its own: together fewer than the connection lets in flight. */
const maxWatchedBatch = 200

/**
 * Reads whole subtrees in few requests, level by level, and takes each answer in as it comes, so that the event loop is
 * never held for more than one of them. It learns how much one znode holds on average and remembers which answers were
 * too long for the client, so that answers stay below 1 MB.
 */
export function createTreeReader(zookeeper: Zookeeper): TreeReader {
  const tooLong = new Set<string>()
  let averageBytes: number | undefined
  let limit = maxBatch

  async function readData(
    paths: readonly string[],
    options: TreeReadOptions,
    take: (result: DataResult) => void,
  ): Promise<void> {
    const { watch, signal } = options
    if (watch !== undefined) {
      const batches = inBatches(paths, () => 0, { items: maxWatchedBatch, bytes: 0 })
      return eachOf(batches, batchesAtOnce, (batch) =>
        Promise.all(batch.map(async (path) => take(await readOne(path, watch, signal)))),
      )
    }
    if (averageBytes === undefined && paths.length > firstBatch) {
      await readData(paths.slice(0, firstBatch), options, take)
      averageBytes ??= usualBytes
      return readData(paths.slice(firstBatch), options, take)
    }
    const bytes = 2 * (averageBytes ?? 0) + overheadBytes
    let count = 0
    let sum = 0
    const batches = inBatches(paths, () => bytes, { items: limit, bytes: maxBatchBytes })
    await eachOf(batches, batchesAtOnce, async (batch) => {
      for (const result of await readTogether('getData', batch, signal)) {
        if (result.type === 'children') continue
        if (result.type === 'data') {
          count++
          sum += result.data.length
        }
        take(result)
      }
    })
    if (count >= firstBatch) averageBytes = sum / count
  }

  function list(
    directories: readonly Directory[],
    options: TreeReadOptions,
    take: (result: ChildrenResult) => void,
  ): Promise<void> {
    const { watch, signal } = options
    const bytesOf = ({ numChildren }: Directory): number => numChildren * nameBytes + overheadBytes
    const batches = inBatches(directories, bytesOf, { items: limit, bytes: maxBatchBytes })
    return eachOf(batches, batchesAtOnce, async (batch) => {
      if (watch !== undefined)
        return Promise.all(batch.map(async ({ path }) => take(await listOne(path, watch, signal))))
      const paths = batch.map(({ path }) => path)
      for (const result of await readTogether('getChildren', paths, signal)) if (result.type !== 'data') take(result)
    })
  }

  /** One request, or several when the answer was too long for one: that costs a connection, so it is remembered. */
  async function readTogether(
    type: 'getData' | 'getChildren',
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly MultiReadResult[]> {
    const readable = paths.filter((path) => !tooLong.has(path))
    if (readable.length > limit) return halves(type, paths, signal)
    const refused = paths.filter((path) => tooLong.has(path)).map(asTooLong)
    try {
      const items = readable.map((path) => ({ type, path }))
      return [...(await zookeeper.multiRead(items, { signal })), ...refused]
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      if (readable.length === 1) {
        for (const path of readable) tooLong.add(path)
        return paths.map(asTooLong)
      }
      const known = tooLong.size
      const results = await halves(type, paths, signal)
      // One that is too long by itself was at fault: it is known now, and the others need no smaller requests.
      if (tooLong.size === known) limit = Math.max(1, Math.min(limit, readable.length >> 1))
      return results
    }
  }

  async function halves(
    type: 'getData' | 'getChildren',
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly MultiReadResult[]> {
    const middle = paths.length >> 1
    const first = await readTogether(type, paths.slice(0, middle), signal)
    return [...first, ...(await readTogether(type, paths.slice(middle), signal))]
  }

  function readOne(path: string, watch: Watcher, signal: AbortSignal): Promise<DataResult> {
    return alone(path, async () => ({ type: 'data', path, ...(await zookeeper.getData(path, { watch, signal })) }))
  }

  function listOne(path: string, watch: Watcher, signal: AbortSignal): Promise<ChildrenResult> {
    return alone(path, async () => {
      const { children } = await zookeeper.getChildren(path, { watch, signal })
      return { type: 'children', path, children }
    })
  }

  async function read(paths: readonly string[], options: TreeReadOptions): Promise<Subtrees> {
    const nodes = new Map<string, TreeNode>()
    const missing = new Set<string>()
    const unreadable = new Map<string, ZookeeperErrorCode>()
    const isWanted = options.includes ?? (() => true)
    for (let level = paths; level.length > 0; ) {
      const isFirst = level === paths
      const directories: Directory[] = []
      // Directories hold nothing, what lies in them may hold much.
      averageBytes = undefined
      await readData(level, options, (result) => {
        const { path } = result
        if (result.type === 'data') {
          nodes.set(path, toNode(result, options.known))
          if (mayHaveChildren(result.stat, options)) directories.push({ path, numChildren: result.stat.numChildren })
        } else if (result.code !== 'NO_NODE') unreadable.set(path, result.code)
        else if (isFirst) missing.add(path)
      })
      const next: string[] = []
      await list(directories, options, (result) => {
        if (result.type === 'error') {
          if (result.code !== 'NO_NODE') unreadable.set(result.path, result.code)
          return
        }
        for (const name of result.children) {
          const path = childOf(result.path, name)
          if (isWanted(path)) next.push(path)
        }
      })
      level = next
    }
    return { nodes, missing, unreadable }
  }

  return { read, readData, list }
}

/** With its own copy of the data; the known one when nothing is different. */
export function toNode(
  { path, data, stat }: { readonly path: string; readonly data: Buffer; readonly stat: Stat },
  known: ReadonlyMap<string, TreeNode> | undefined,
): TreeNode {
  const { version, czxid, mzxid, ephemeralOwner } = stat
  const old = known?.get(path)
  if (old !== undefined && isSameNode(old, { data, version, czxid, mzxid, ephemeralOwner })) return old
  return { data: Buffer.from(data), version, czxid, mzxid, ephemeralOwner, digest: undefined }
}

/** For whoever has read it and needs it no more: of the data stays what a change can be seen by, and `data` is empty. */
export function forgetData(node: { -readonly [K in keyof TreeNode]: TreeNode[K] }): void {
  node.digest = digestOf(node)
  node.data = noData
}

const noData = Buffer.alloc(0)

function digestOf({ data, digest }: TreeNode): number {
  return digest ?? crc32(data)
}

/** The data counts too: a server that was set up anew gives its numbers a second time. */
export function isSameNode(one: TreeNode, other: TreeNode): boolean {
  if (one === other) return true
  if (one.mzxid !== other.mzxid || one.czxid !== other.czxid) return false
  const isKept = one.digest === undefined && other.digest === undefined
  return isKept ? one.data.equals(other.data) : digestOf(one) === digestOf(other)
}

/** Without a recursive watch an empty directory must be listed too: the child watch comes with the list. */
function mayHaveChildren(stat: Stat, { watch }: TreeReadOptions): boolean {
  return watch === undefined ? stat.numChildren > 0 : stat.ephemeralOwner === 0n
}

function asTooLong(path: string): Failed {
  return { type: 'error', path, code: 'MARSHALLING_ERROR' }
}

async function alone<T>(path: string, read: () => Promise<T>): Promise<T | Failed> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof ZookeeperError) || error.code === 'SESSION_EXPIRED') throw error
    return { type: 'error', path, code: error.code }
  }
}
