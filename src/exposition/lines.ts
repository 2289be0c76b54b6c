import type { Snapshot } from '../model/snapshot.ts'
import type { BlockOrder } from './block-order.ts'
import type { PageWriter } from './page-writer.ts'

/** A snapshot with its blocks in printing order. */
export interface OrderedSnapshot {
  readonly snapshot: Snapshot
  readonly order: BlockOrder
}

/** Writes the lines of one family for one cluster; yields whenever a chunk is full or much work is done. */
export type Lines = (view: OrderedSnapshot, page: PageWriter) => Generator<Uint8Array, void>

/** True at every so many steps of a loop: time to let others run even if little was written. */
export function isPause(step: number): boolean {
  return step % 4096 === 4095
}
