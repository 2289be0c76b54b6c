import type { Clock } from '../runtime/clock.ts'
import { describeError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { type RetryPolicy, retryDelay } from '../runtime/retry.ts'
import type { Service } from '../runtime/service.ts'
import type { Zookeeper } from './client.ts'
import { isWithin, parentOf } from './paths.ts'
import { createTreeRefresher } from './tree-refresh.ts'
import { patchView, replaceTree, type TreeChange, type TreeView } from './tree-view.ts'
import type { LastingWatch } from './watch-operations.ts'
import type { WatchEvent } from './watches.ts'

export interface TreeWatchOptions {
  readonly root: string
  /** Of the service; default `zookeeper-tree <root>`. */
  readonly name?: string
  /** False: neither read nor entered nor reported. */
  readonly includes?: (path: string) => boolean
  /** How long events are collected before what they name is read again; default 100 ms. */
  readonly flushMs?: number
  /** How often everything is read again though nothing seems to be missing; default 5 min. */
  readonly resyncMs?: number
}

export interface TreeWatch extends Service {
  /** The last complete view; undefined before the first. It outlives the connection: look at `isCurrent`. */
  view(): TreeView | undefined
  /** True while events keep the view up to date: connected, and read in full since. */
  isCurrent(): boolean
  /**
   * Resolves when the view has whatever anybody had written before the call.
   *
   * @throws UnavailableError, ZookeeperError as `sync` does
   */
  caughtUp(signal: AbortSignal): Promise<void>
  /** Reads everything again as soon as it can: what is published then was read after this call. */
  refresh(): void
  /** Calls the listener after each new view; the returned function ends that. */
  onChange(listener: (change: TreeChange) => void): () => void
  counters(): TreeCounters
}

/** Totals since the start. */
interface TreeCounters {
  readonly syncs: number
  readonly flushes: number
  /** Znodes that a periodic full reading found different although no event had said so. */
  readonly differences: number
}

/** How soon somebody who waits for a reading notices its end. */
const pollMs = 10

const again: RetryPolicy = { firstMs: 200, factor: 2, maxMs: 10_000, jitter: 0.3 }

/**
 * Keeps a complete view of everything below a znode. From 3.6 on one recursive watch says what to read again; before,
 * one-shot watches on every znode do. After every reconnect, and every few minutes, everything is read again, since a
 * recursive watch does not tell what happened while it was away.
 */
export function watchTree(
  zookeeper: Zookeeper,
  options: TreeWatchOptions,
  deps: { readonly clock: Clock; readonly logger: Logger },
): TreeWatch {
  const { root, flushMs = 100, resyncMs = 300_000, includes = () => true } = options
  const name = options.name ?? `zookeeper-tree ${root}`
  const { clock } = deps
  const logger = deps.logger.child({ component: name })
  const refresher = createTreeRefresher(zookeeper, root, includes, onEvent)
  const listeners = new Set<(change: TreeChange) => void>()
  const counters = { syncs: 0, flushes: 0, differences: 0 }
  const seenDeleted = new Set<string>()
  let dirtyNodes = new Set<string>()
  let dirtyLists = new Set<string>()
  let view: TreeView | undefined
  let lasting: LastingWatch | undefined
  /** Of the watches that are set; undefined: none are, find out what the server can. */
  let mode: 'recursive' | 'one-shot' | undefined
  let needsSync = true
  /** The view came from a full reading after which no event can have been missed. */
  let isSynced = false
  let connections = 0
  let resyncAt = 0
  let isRunning = false
  let isReading = false
  let wake = new AbortController()

  function onEvent({ type, path }: WatchEvent): void {
    if (!isRunning) return
    if (type === 'lost') {
      lasting = undefined
      mode = undefined
      markLost()
    } else if (path === root && type !== 'children') {
      // With the root everything comes or goes.
      if (type === 'changed') return
      markLost()
    } else if (!isIncluded(path)) return
    else if (type === 'children') dirtyLists.add(path)
    else {
      dirtyNodes.add(path)
      if (type === 'deleted') seenDeleted.add(path)
      else seenDeleted.delete(path)
    }
    rouse()
  }

  /** Events come by thousands, and each abort would make an error, the first or not. */
  function rouse(): void {
    if (!wake.signal.aborted) wake.abort()
  }

  function markLost(): void {
    needsSync = true
    isSynced = false
  }

  function isIncluded(path: string): boolean {
    if (!isWithin(root, path)) return false
    for (let one = path; one !== root && one !== '/'; one = parentOf(one)) if (!includes(one)) return false
    return true
  }

  /** What cannot be read stays as it was before, and nobody would notice. */
  function tellUnreadable({ unreadable }: TreeView): void {
    const known = view?.unreadable
    const added = [...unreadable].filter(([path, code]) => known?.get(path) !== code)
    if (added.length > 0) {
      const [path, code] = added[0]!
      logger.warn({ path, code, count: unreadable.size }, 'Znodes cannot be read, they stay as they were')
    } else if (unreadable.size === 0 && (known?.size ?? 0) > 0) logger.info({}, 'All znodes can be read again')
  }

  function publish(change: TreeChange): void {
    tellUnreadable(change.view)
    view = change.view
    for (const path of seenDeleted) if (!dirtyNodes.has(path)) seenDeleted.delete(path)
    for (const listener of [...listeners]) {
      try {
        listener(change)
      } catch (thrown) {
        logger.error({ error: describeError(thrown) }, 'Listener of a ZooKeeper tree threw')
      }
    }
  }

  async function setWatch(signal: AbortSignal): Promise<'recursive' | 'one-shot'> {
    if (mode !== undefined) return mode
    if (await zookeeper.supports('addWatch', { signal })) {
      lasting = await zookeeper.addWatch(root, 'recursive', onEvent, { signal })
      mode = 'recursive'
    } else mode = 'one-shot'
    return mode
  }

  /** Reads everything. What comes in between stays marked for the next flush. */
  async function sync(signal: AbortSignal): Promise<void> {
    const isPeriodic = !needsSync
    const isOneShot = (await setWatch(signal)) === 'one-shot'
    // The question what it can do has cost the connection to an old server. What is read before the next one would be read twice.
    if (zookeeper.state() !== 'connected') return
    const connection = connections
    needsSync = false
    dirtyNodes = new Set()
    dirtyLists = new Set()
    const takenAt = clock.monotonic()
    const tree = await refresher.readAll(view, isOneShot, signal)
    // Parts may have been read before a reconnect, with events lost in between.
    if (connection !== connections || mode === undefined) {
      markLost()
      return
    }
    isSynced = !needsSync
    const change = replaceTree(view, tree, seenDeleted, takenAt)
    const different = change.added.length + change.changed.length + change.removed.length
    if (isPeriodic) counters.differences += different
    counters.syncs++
    resyncAt = takenAt + resyncMs
    publish(change)
  }

  /** Reads again what events have named. */
  async function flush(before: TreeView, signal: AbortSignal): Promise<void> {
    const nodes = dirtyNodes
    const lists = dirtyLists
    dirtyNodes = new Set()
    dirtyLists = new Set()
    const takenAt = clock.monotonic()
    const patch = await refresher.readSome(before, { nodes, lists }, mode === 'one-shot', signal)
    counters.flushes++
    const change = patchView(before, patch, seenDeleted, takenAt)
    if (change !== undefined) publish(change)
  }

  async function step(signal: AbortSignal): Promise<void> {
    if (zookeeper.state() !== 'connected') return
    if (view === undefined || needsSync || clock.monotonic() >= resyncAt) return sync(signal)
    if (dirtyNodes.size + dirtyLists.size === 0) return
    await clock.sleep(flushMs, signal)
    // A reconnect meanwhile makes this pointless: everything is read anyway.
    if (!signal.aborted && !needsSync) await flush(view, signal)
  }

  function isBehind(): boolean {
    return needsSync || dirtyNodes.size + dirtyLists.size > 0
  }

  function hasWork(): boolean {
    return zookeeper.state() === 'connected' && isBehind()
  }

  async function run(signal: AbortSignal): Promise<void> {
    const stopListening = zookeeper.onState(({ state }) => {
      if (state === 'connected') {
        connections++
        markLost()
      }
      rouse()
    })
    signal.addEventListener('abort', rouse, { once: true })
    isRunning = true
    markLost()
    let failures = 0
    while (!signal.aborted) {
      wake = new AbortController()
      try {
        isReading = hasWork() || view === undefined
        await step(signal)
        isReading = false
        if (failures > 0) logger.info({}, 'ZooKeeper tree is read again')
        failures = 0
      } catch (error) {
        if (signal.aborted) break
        markLost()
        failures++
        const fields = { error: describeError(error) }
        if (failures === 1) logger.warn(fields, 'ZooKeeper tree could not be read')
        await clock.sleep(retryDelay(again, failures, Math.random()), signal)
        continue
      }
      if (!hasWork() && !signal.aborted) await clock.sleep(waitMs(), wake.signal)
    }
    isRunning = false
    signal.removeEventListener('abort', rouse)
    stopListening()
    lasting?.close()
    lasting = undefined
    mode = undefined
  }

  function waitMs(): number {
    return zookeeper.state() === 'connected' ? Math.max(0, resyncAt - clock.monotonic()) : resyncMs
  }

  return {
    name,
    run,
    view: () => view,
    caughtUp: async (signal) => {
      // The events of what it waits for come before its answer.
      await zookeeper.sync(root, { signal })
      while (isRunning && (isReading || isBehind()) && !signal.aborted) await clock.sleep(pollMs, signal)
      signal.throwIfAborted()
    },
    refresh: () => {
      needsSync = true
      rouse()
    },
    isCurrent: () => isRunning && isSynced && zookeeper.state() === 'connected',
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    counters: () => ({ ...counters }),
  }
}
