import { breather } from '../runtime/breathe.ts'
import type { Zookeeper } from '../zookeeper/client.ts'
import type { ZookeeperErrorCode } from '../zookeeper/errors.ts'
import { childOf } from '../zookeeper/paths.ts'
import { createDirectories, type DirectoryLook } from './zookeeper-directories.ts'

/** A group below `/consumers` that has offsets there. */
export interface ZookeeperGroup {
  readonly id: string
  /** Consumers that are registered now; absent when that cannot be read. */
  readonly members?: number
  /** Partitions by topic, sorted: those with a znode for their offset, and those that a member owns. */
  readonly committed: Partitions
  readonly owned: Partitions
  /** Topics of which we may not see for which partitions there are offsets. */
  readonly unlisted: ReadonlyMap<string, ZookeeperErrorCode>
}

export interface GroupsFound {
  /** False when there is no `/consumers`: this is not where a Kafka cluster has its znodes. */
  readonly exists: boolean
  /** Sorted by id. */
  readonly groups: readonly ZookeeperGroup[]
  /** Directories that exist and could not be read or listed, by path. */
  readonly unreadable: ReadonlyMap<string, ZookeeperErrorCode>
  /** Groups of which it is not known whether they have offsets, and why. */
  readonly unknown: ReadonlyMap<string, ZookeeperErrorCode>
  /** Every wanted group below `/consumers`, with or without offsets. */
  readonly names: readonly string[]
}

interface GroupReader {
  /**
   * Which groups have offsets, and for which partitions. A steady call reads the stat of each directory, and nothing more.
   *
   * @throws as the client's reads
   */
  read(signal: AbortSignal): Promise<GroupsFound>
}

interface GroupReaderOptions {
  readonly zookeeper: Zookeeper
  readonly keepGroup: (id: string) => boolean
  readonly keepTopic: (name: string) => boolean
}

type Partitions = ReadonlyMap<string, readonly number[]>

const consumersPath = '/consumers'
const none: Partitions = new Map()

export function offsetsPath(group: string, topic: string, partition: number): string {
  return `${consumersPath}/${group}/offsets/${topic}/${partition}`
}

/** Of Kafka's old consumer. Znodes of Kafka 0.7, named `<broker>-<partition>`, are none. */
const partitionName = /^(0|[1-9]\d{0,9})$/
const maxPartition = 2 ** 31 - 1

export function createGroupReader(options: GroupReaderOptions): GroupReader {
  const directories = createDirectories(options.zookeeper)
  const keepGroup = remembered(options.keepGroup)
  const keepTopic = remembered(options.keepTopic)

  /** Partitions below each topic of each group. A topic that is not wanted has none. */
  async function partitions(
    look: DirectoryLook,
    folder: 'offsets' | 'owners',
    groups: readonly string[],
  ): Promise<ReadonlyMap<string, Partitions>> {
    const breathe = breather()
    const topics = await look.children(groups.map((group) => pathIn(group, folder)))
    const wanted: string[] = []
    for (const [path, names] of topics) {
      for (const name of names) if (keepTopic(name)) wanted.push(childOf(path, name))
      await breathe()
    }
    const listed = await look.children(wanted)
    const found = new Map<string, Partitions>()
    for (const group of groups) {
      const path = pathIn(group, folder)
      const names = (topics.get(path) ?? []).toSorted()
      found.set(group, new Map(names.map((name) => [name, partitionsIn(listed.get(childOf(path, name)))])))
      await breathe()
    }
    return found
  }

  function unlistedTopics(look: DirectoryLook, group: string, topics: Partitions): ZookeeperGroup['unlisted'] {
    const unlisted = new Map<string, ZookeeperErrorCode>()
    for (const topic of topics.keys()) {
      const code = look.whyUnseen(childOf(pathIn(group, 'offsets'), topic))
      if (code !== undefined) unlisted.set(topic, code)
    }
    return unlisted
  }

  async function read(look: DirectoryLook): Promise<GroupsFound> {
    const top = await look.children([consumersPath])
    const names = (top.get(consumersPath) ?? []).filter(keepGroup).toSorted()
    const committed = await partitions(look, 'offsets', names)
    const found = names.flatMap((id) => {
      const topics = committed.get(id) ?? none
      const unlisted = unlistedTopics(look, id, topics)
      return unlisted.size > 0 || hasOffsets(topics, keepTopic) ? [{ id, committed: topics, unlisted }] : []
    })
    const ids = await look.stats(found.map(({ id }) => pathIn(id, 'ids')))
    const membersOf = (id: string): number => ids.get(pathIn(id, 'ids'))?.numChildren ?? 0
    // Owners are ephemerals of the members: without members there are none.
    const live = found.filter(({ id }) => membersOf(id) > 0).map(({ id }) => id)
    const owned = await partitions(look, 'owners', live)
    const unknown = names.flatMap((id) => {
      const why = look.whyUnseen(pathIn(id, 'offsets'))
      return why === undefined ? [] : [[id, why] as const]
    })
    return {
      exists: top.has(consumersPath) || look.unreadable.has(consumersPath),
      groups: found.map((group) => ({
        ...group,
        ...(look.unreadable.has(pathIn(group.id, 'ids')) ? {} : { members: membersOf(group.id) }),
        owned: owned.get(group.id) ?? none,
      })),
      unreadable: look.unreadable,
      unknown: new Map(unknown),
      names,
    }
  }

  return { read: (signal) => directories.look(signal, read) }
}

function pathIn(group: string, folder: 'offsets' | 'owners' | 'ids'): string {
  return `${consumersPath}/${group}/${folder}`
}

/** A group has offsets here when it has one for a partition, or for a topic that is not looked into. */
function hasOffsets(topics: Partitions, keepTopic: (name: string) => boolean): boolean {
  for (const [topic, partitions] of topics) if (partitions.length > 0 || !keepTopic(topic)) return true
  return false
}

/** By the names of a directory, which stay the same object while they stay the same. */
const numbers = new WeakMap<readonly string[], readonly number[]>()

function partitionsIn(names: readonly string[] = []): readonly number[] {
  const known = numbers.get(names)
  if (known !== undefined) return known
  const partitions = names
    .filter((name) => partitionName.test(name))
    .map(Number)
    .filter((partition) => partition <= maxPartition)
    .sort((a, b) => a - b)
  numbers.set(names, partitions)
  return partitions
}

/** Patterns are slow, and the same names are asked about thousands of times in every cycle. */
function remembered(test: (name: string) => boolean): (name: string) => boolean {
  const answers = new Map<string, boolean>()
  return (name) => {
    const known = answers.get(name)
    if (known !== undefined) return known
    if (answers.size >= 100_000) answers.clear()
    const answer = test(name)
    answers.set(name, answer)
    return answer
  }
}
