import type { CallOptions } from './calls.ts'
import { isZookeeperError } from './errors.ts'
import type { NodeOperations } from './node-operations.ts'
import { lineage } from './paths.ts'
import type { Acl } from './records.ts'

export interface DirectoryOptions extends CallOptions {
  /** How what is missing is made; default `persistent`. */
  readonly mode?: 'persistent' | 'container'
  readonly acl?: readonly Acl[]
}

const attempts = 3

/**
 * Makes a znode without data and whatever is missing above it. What exists is left alone.
 *
 * @throws as `create`; NO_NODE only when containers vanish as fast as they are made.
 */
export async function makeDirectories(
  nodes: NodeOperations,
  path: string,
  options: DirectoryOptions = {},
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      for (const directory of await missing(nodes, path, options)) await make(nodes, directory, options)
      return
    } catch (error) {
      // The server removed an empty container between two of our steps.
      if (!isZookeeperError(error, 'NO_NODE') || attempt === attempts) throw error
    }
  }
}

/** From the top down. */
async function missing(nodes: NodeOperations, path: string, options: CallOptions): Promise<readonly string[]> {
  const all = lineage(path)
  for (let index = all.length - 1; index >= 0; index--) {
    if ((await nodes.exists(all[index] ?? '/', callOptions(options))) !== undefined) return all.slice(index + 1)
  }
  return all
}

async function make(nodes: NodeOperations, path: string, options: DirectoryOptions): Promise<void> {
  try {
    await nodes.create(path, Buffer.alloc(0), options)
  } catch (error) {
    if (!isZookeeperError(error, 'NODE_EXISTS')) throw error
  }
}

function callOptions({ signal, timeoutMs }: CallOptions): CallOptions {
  return { ...(signal !== undefined && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) }
}
