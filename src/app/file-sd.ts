import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readFile, rm, stat } from 'node:fs/promises'
import type { TargetList } from '../http/target-list.ts'
import type { TargetPage } from '../http/target-page.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { moveIntoPlace } from '../runtime/durable-file.ts'
import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { backOff, gentle } from '../runtime/retry.ts'
import type { Service } from '../runtime/service.ts'
import type { Slice } from '../targets/slice.ts'
import type { FileSdConfig } from './file-sd-schema.ts'

export interface FileSdDeps {
  readonly list: Pick<TargetList, 'page'>
  readonly clock: Clock
  readonly logger: Logger
}

/** A change is in the file at most so much later than in the list. */
const lookEveryMs = 1_000

/**
 * Keeps a slice of the target list in a file for Prometheus' file_sd: the bytes of `/sd/v1/targets`, replaced whole by a
 * rename, and only when they changed or the file is not the one we left. Nothing is written before there is a list, and
 * the file outlives us, so it never loses targets to our trouble. What cannot be written is tried again.
 *
 * @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
 */
export function createFileSd(config: FileSdConfig, { list, clock, logger }: FileSdDeps): Service {
  const { path } = config
  const slice = sliceOf(config)
  /** What the file holds, and how it looked when we left it. */
  let left: { readonly etag: string; readonly look: string } | undefined

  async function update(): Promise<void> {
    const page = await list.page(slice)
    if (page === undefined) return
    const look = await lookOf(path)
    if (left !== undefined && left.etag === page.etag && left.look === look) return
    if (look === undefined || !(await holds(path, page))) await replace(path, page)
    left = { etag: page.etag, look: (await lookOf(path)) ?? '' }
  }

  return {
    name: `file-sd ${path}`,
    run: async (signal) => {
      for (let failures = 0; !signal.aborted; ) {
        try {
          await update()
          if (failures > 0) logger.info({ path, failures }, 'Target file could be written again')
          failures = 0
          await clock.sleep(lookEveryMs, signal)
        } catch (error) {
          if (error instanceof InvariantError) throw error
          failures++
          if (failures === 1) logger.warn({ path, error: describeError(error) }, 'Target file could not be written')
          await backOff(gentle, failures, clock, signal)
        }
      }
    },
  }
}

function sliceOf({ namespace, kind, flink_cluster: flinkCluster, shard, of }: FileSdConfig): Slice {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(kind === undefined ? {} : { kind }),
    ...(flinkCluster === undefined ? {} : { flinkCluster }),
    ...(shard === undefined || of === undefined ? {} : { shard: { index: shard, of } }),
  }
}

/** Differs after every write by anybody; undefined when there is no file. */
async function lookOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true })
    return `${ino} ${size} ${mtimeNs}`
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function holds(path: string, { chunks, bytes }: TargetPage): Promise<boolean> {
  const { size } = await stat(path)
  if (size !== bytes) return false
  const present = await readFile(path)
  const breathe = breather()
  let at = 0
  for (const chunk of chunks) {
    if (!present.subarray(at, at + chunk.length).equals(chunk)) return false
    at += chunk.length
    await breathe()
  }
  return at === present.length
}

/** Under a name of its own until it is whole and on the disk; one that no pattern for `.json` finds. */
async function replace(path: string, { chunks }: TargetPage): Promise<void> {
  const partial = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(partial, 'wx', 0o644)
    try {
      for (const chunk of chunks) await writeWhole(file, chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await moveIntoPlace(partial, path)
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined)
    throw error
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten
}
