import type { ConsumerTotal } from '../model/snapshot.ts'
import { type Family, lagFamilies } from './families.ts'
import { labelText } from './label-text.ts'
import { isPause, type Lines } from './lines.ts'

export const totalRecordsLagAs = (family: Family): Lines => consumerLines(family, ({ lag }) => lag)
export const totalRecordsLag = totalRecordsLagAs(lagFamilies.totalRecordsLag)

export const info = consumerLines(
  lagFamilies.info,
  () => 1,
  ({ consumer }) => [consumer.kind, consumer.group, consumer.jobId, consumer.applicationId],
)

export const membersAs = (family: Family): Lines =>
  consumerLines(family, ({ consumer, present }) => (present ? consumer.members : undefined))
export const members = membersAs(lagFamilies.members)

export const groupState = consumerLines(
  lagFamilies.groupState,
  ({ consumer, present }) => (present && consumer.state !== undefined ? 1 : undefined),
  ({ consumer }) => [consumer.state],
)

export const present = consumerLines(lagFamilies.present, (total) => (total.present ? 1 : 0))

/** One line for every consumer that has a value; `more` gives the labels behind cluster and consumer. */
function consumerLines(
  family: Family,
  sampleOf: (total: ConsumerTotal) => number | undefined,
  more: (total: ConsumerTotal) => readonly (string | undefined)[] = () => [],
): Lines {
  return function* ({ snapshot }, page) {
    for (const [index, total] of snapshot.consumers.entries()) {
      const value = sampleOf(total)
      if (value !== undefined) {
        page.label(labelText(family, snapshot.kafkaCluster, total.consumer.name, ...more(total)))
        if (!page.fits()) yield* page.take()
        page.line(value)
      }
      if (isPause(index)) yield* page.take()
    }
  }
}
