import type { LogOffsetColumn } from '../model/log-offsets.ts'
import { type OffsetColumn, offsetAt, offsetNumber } from '../model/offsets.ts'
import { KNOWN } from '../model/reason.ts'
import { heldIndex, isFresh, type Snapshot, type SnapshotPart } from '../model/snapshot.ts'
import { consumerAt, topicAt } from './block-order.ts'
import { type Family, lagFamilies } from './families.ts'
import { labelText } from './label-text.ts'
import { isPause, type Lines } from './lines.ts'
import type { PageWriter } from './page-writer.ts'

/** A lag for every row that is fresh or held. */
export const recordsLagAs = (family: Family): Lines =>
  blockLines(family, (page, part, row) => {
    const held = isFresh(part, row) ? -1 : heldIndex(part, row)
    if (held >= 0) page.partitionLine(part.batch.partition[row]!, part.held.lag[held]!)
    else if (isFresh(part, row)) page.partitionLine(part.batch.partition[row]!, part.lag[row]!)
  })

/** The position of every row that has one, whether or not its lag is known; of a held row the held one. */
export const positionAs = (family: Family): Lines =>
  blockLines(family, (page, part, row) => {
    const { batch, held } = part
    if (batch.holds === 'lag') return
    const index = isFresh(part, row) ? -1 : heldIndex(part, row)
    if (index >= 0) {
      if (held.positioned[index] === 1) offsetLine(page, batch.partition[row]!, held.position, index)
    } else if (batch.reason[row] === KNOWN) offsetLine(page, batch.partition[row]!, batch.value, row)
  })

export const logStartAs = (family: Family): Lines => logLines(family, (snapshot) => snapshot.starts)
export const logEndAs = (family: Family): Lines => logLines(family, (snapshot) => snapshot.ends)

export const recordsLag = recordsLagAs(lagFamilies.recordsLag)
export const position = positionAs(lagFamilies.position)
export const logStartOffset = logStartAs(lagFamilies.logStartOffset)
export const logEndOffset = logEndAs(lagFamilies.logEndOffset)

/** Visits every row of every block in printing order, with the label text of the block ready in the page. */
function blockLines(family: Family, writeRow: (page: PageWriter, part: SnapshotPart, row: number) => void): Lines {
  return function* ({ snapshot, order }, page) {
    for (let place = 0; place < order.block.length; place++) {
      const part = snapshot.parts[order.part[place]!]!
      const block = order.block[place]!
      const end = part.batch.blockFirst[block + 1]!
      const consumer = consumerAt(snapshot, order, place)
      page.label(labelText(family, snapshot.kafkaCluster, consumer, topicAt(snapshot, order, place)))
      for (let row = part.batch.blockFirst[block]!; row < end; row++) {
        if (!page.fits()) yield* page.take()
        writeRow(page, part, row)
      }
      if (isPause(place)) yield* page.take()
    }
  }
}

/** One line for every partition of the catalog whose offset is known. */
function logLines(family: Family, columnOf: (snapshot: Snapshot) => LogOffsetColumn): Lines {
  return function* ({ snapshot }, page) {
    const { offset, reason } = columnOf(snapshot)
    for (const [index, topic] of snapshot.catalog.topics.entries()) {
      page.label(labelText(family, snapshot.kafkaCluster, topic.name))
      for (let partition = 0; partition < topic.partitions; partition++) {
        if (!page.fits()) yield* page.take()
        const row = topic.firstRow + partition
        if (reason[row] === KNOWN) offsetLine(page, partition, offset, row)
      }
      if (isPause(index)) yield* page.take()
    }
  }
}

const HIGH_WORD_OF_2_53 = 2 ** 21

function offsetLine(page: PageWriter, partition: number, column: OffsetColumn, row: number): void {
  if (column[row * 2 + 1]! < HIGH_WORD_OF_2_53) page.partitionLine(partition, offsetNumber(column, row))
  else page.exactPartitionLine(partition, offsetAt(column, row))
}
