import { type BlockOrder, orderBlocks } from '../exposition/block-order.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { runInTurns } from '../runtime/breathe.ts'

const orders = new WeakMap<Snapshot, BlockOrder>()

/** The blocks of a snapshot in printing order, sorted once for all who ask; others run in between. */
export async function orderOf(snapshot: Snapshot): Promise<BlockOrder> {
  const order = orders.get(snapshot) ?? (await runInTurns(orderBlocks(snapshot)))
  orders.set(snapshot, order)
  return order
}
