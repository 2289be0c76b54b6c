import { breather } from '../runtime/breathe.ts'
import { DecodeError } from '../runtime/errors.ts'
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
}

export interface TreeReader {
  /** These znodes and everything below them. @throws as the client's reads, but for a single znode's refusal. */
  read(paths: readonly string[], options: TreeReadOptions): Promise<Subtrees>
  /** Data and stat of these znodes alone. */
  readData(paths: readonly string[], options: TreeReadOptions): Promise<readonly DataResult[]>
  list(directories: readonly Directory[], options: TreeReadOptions): Promise<readonly ChildrenResult[]>
}

interface Directory {
  readonly path: string
  readonly numChildren: number
}

type Failed = Extract<MultiReadResult, { readonly type: 'error' }>
type DataResult = Extract<MultiReadResult, { readonly type: 'data' }> | Failed
type ChildrenResult = Extract<MultiReadResult, { readonly type: 'children' }> | Failed

const maxBatch = 200
const maxBatchBytes = 512 * 1024
const usualBytes = 2_048
/** Read first, to learn how much a znode holds: so many of the longest (1 MB) are still one answer of 16 MiB. */
const firstBatch = 15
/** Stat, header and length of one result. */
const overheadBytes = 100
/** A child's name, when nothing better is known. */
const nameBytes = 48
const batchesAtOnce = 4

/**
 * Reads whole subtrees in few requests, level by level. It learns how much one znode holds on average and remembers
 * which answers were too long for the client, so that answers stay below 1 MB.
 */
export function createTreeReader(zookeeper: Zookeeper): TreeReader {
  const tooLong = new Set<string>()
  let averageBytes: number | undefined
  let limit = maxBatch

  async function readData(paths: readonly string[], options: TreeReadOptions): Promise<readonly DataResult[]> {
    const { watch } = options
    if (averageBytes === undefined && paths.length > firstBatch && watch === undefined) {
      const first = await readData(paths.slice(0, firstBatch), options)
      averageBytes ??= usualBytes
      return [...first, ...(await readData(paths.slice(firstBatch), options))]
    }
    const bytes = 2 * (averageBytes ?? 0) + overheadBytes
    const batches = inBatches(paths, () => bytes, watch === undefined ? limit : maxBatch)
    const results = await eachOf(batches, (batch) =>
      watch === undefined
        ? readTogether('getData', batch, options.signal)
        : Promise.all(batch.map((path) => alone(path, () => readOne(path, watch, options.signal)))),
    )
    const found = results.flatMap((result) => (result.type === 'children' ? [] : [result]))
    const sizes = found.flatMap((result) => (result.type === 'data' ? [result.data.length] : []))
    if (sizes.length >= firstBatch) averageBytes = sizes.reduce((sum, size) => sum + size, 0) / sizes.length
    return found
  }

  async function list(directories: readonly Directory[], options: TreeReadOptions): Promise<readonly ChildrenResult[]> {
    const { watch, signal } = options
    const batches = inBatches(directories, ({ numChildren }) => numChildren * nameBytes + overheadBytes, limit)
    const results = await eachOf(batches, (batch) => {
      const paths = batch.map(({ path }) => path)
      if (watch === undefined) return readTogether('getChildren', paths, signal)
      return Promise.all(paths.map((path) => alone(path, () => listOne(path, watch, signal))))
    })
    return results.flatMap((result) => (result.type === 'data' ? [] : [result]))
  }

  /** One request, or several when the answer was too long for one: that costs a connection, so it is remembered. */
  async function readTogether(
    type: 'getData' | 'getChildren',
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly MultiReadResult[]> {
    const readable = paths.filter((path) => !tooLong.has(path))
    const refused = paths.filter((path) => tooLong.has(path)).map(asTooLong)
    try {
      const items = readable.map((path) => ({ type, path }))
      return [...(await zookeeper.multiRead(items, { signal })), ...refused]
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      limit = Math.max(1, readable.length >> 1)
      if (readable.length === 1) for (const path of readable) tooLong.add(path)
      if (readable.length === 1) return [...readable.map(asTooLong), ...refused]
      const first = await readTogether(type, readable.slice(0, limit), signal)
      return [...first, ...(await readTogether(type, readable.slice(limit), signal)), ...refused]
    }
  }

  async function readOne(path: string, watch: Watcher, signal: AbortSignal): Promise<DataResult> {
    return { type: 'data', path, ...(await zookeeper.getData(path, { watch, signal })) }
  }

  async function listOne(path: string, watch: Watcher, signal: AbortSignal): Promise<ChildrenResult> {
    return { type: 'children', path, children: (await zookeeper.getChildren(path, { watch, signal })).children }
  }

  async function read(paths: readonly string[], options: TreeReadOptions): Promise<Subtrees> {
    const nodes = new Map<string, TreeNode>()
    const missing = new Set<string>()
    const unreadable = new Map<string, ZookeeperErrorCode>()
    const isWanted = options.includes ?? (() => true)
    const breathe = breather()
    for (let level = paths; level.length > 0; ) {
      const directories: Directory[] = []
      // Directories hold nothing, what lies in them may hold much.
      averageBytes = undefined
      for (const result of await readData(level, options)) {
        await breathe()
        const { path } = result
        if (result.type === 'error') {
          if (result.code !== 'NO_NODE') unreadable.set(path, result.code)
          else if (level === paths) missing.add(path)
          continue
        }
        nodes.set(path, toNode(result.data, result.stat))
        if (mayHaveChildren(result.stat, options)) directories.push({ path, numChildren: result.stat.numChildren })
      }
      const next: string[] = []
      for (const result of await list(directories, options)) {
        if (result.type === 'children') for (const name of result.children) next.push(childOf(result.path, name))
        else if (result.code !== 'NO_NODE') unreadable.set(result.path, result.code)
      }
      level = next.filter(isWanted)
    }
    return { nodes, missing, unreadable }
  }

  return { read, readData, list }
}

export function toNode(data: Buffer, { version, czxid, mzxid, ephemeralOwner }: Stat): TreeNode {
  return { data, version, czxid, mzxid, ephemeralOwner }
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

function inBatches<T>(items: readonly T[], bytesOf: (item: T) => number, maxItems: number): readonly (readonly T[])[] {
  const batches: T[][] = []
  let room = 0
  for (const item of items) {
    const bytes = bytesOf(item)
    const last = batches.at(-1)
    if (last === undefined || last.length >= maxItems || bytes > room) {
      batches.push([item])
      room = maxBatchBytes - bytes
    } else {
      last.push(item)
      room -= bytes
    }
  }
  return batches
}

/** Results in the order of the batches, a few batches on their way at a time. */
async function eachOf<T, R>(batches: readonly T[], read: (batch: T) => Promise<readonly R[]>): Promise<readonly R[]> {
  const results: (readonly R[])[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < batches.length) {
      const index = next++
      results[index] = await read(batches[index]!)
    }
  }
  await Promise.all(Array.from({ length: batchesAtOnce }, worker))
  return results.flat()
}
