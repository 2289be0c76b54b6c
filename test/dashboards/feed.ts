import { type Family, lagFamilies, selfFamilies } from '../../src/exposition/families.ts'
import { type Served, serve } from './serve.ts'

type Labels = Readonly<Record<string, string>>

/** A page of every family, whose numbers move, in the place of Lagkeeper's `/metrics`. */
export function startFixtureFeed(): Promise<Served> {
  return serve('text/plain; version=0.0.4; charset=utf-8', () => fixturePage(Date.now() / 1_000))
}

/**
 * Every family of the table at a moment. Two consumers on two clusters: `main/orders` is over its warning objective on
 * one topic of two, and has two partitions with unknown lag on the other, and the page has not room for all of `main`;
 * `edge/orders` has vanished, and `edge` cannot be read.
 */
function fixturePage(seconds: number): string {
  const families: readonly Family[] = [...Object.values(lagFamilies), ...Object.values(selfFamilies)]
  return families
    .map((family) => {
      const series = seriesOf(family).map(
        (labels) => `${family.name}${labelText(family, labels)} ${valueAt(family, labels, seconds)}\n`,
      )
      return `# HELP ${family.name} ${family.help}\n# TYPE ${family.name} ${family.type}\n${series.join('')}`
    })
    .join('')
}

/** The values that a label takes on the page; a label that is not here takes one of its own name. */
const labelValues: Readonly<Record<string, readonly string[]>> = {
  kafka_cluster: ['main', 'edge'],
  consumer: ['orders', 'dev/billing "x"'],
  topic: ['orders', 'stock'],
  partition: ['0', '1', '2'],
  severity: ['warning', 'critical'],
  source: ['kafka', 'kafka-groups'],
  name: ['main', 'edge'],
}

const stateValues: Readonly<Record<string, readonly string[]>> = {
  [lagFamilies.partitions.name]: ['known', 'held', 'no_position', 'unauthorized'],
  [lagFamilies.groupState.name]: ['Stable'],
  [selfFamilies.targets.name]: ['listed', 'lingering'],
}

function seriesOf(family: Family): readonly Labels[] {
  let all: readonly Labels[] = [{}]
  for (const label of family.labels) {
    const values = (label === 'state' ? stateValues[family.name] : labelValues[label]) ?? [label]
    all = all.flatMap((labels) => values.map((value) => ({ ...labels, [label]: value })))
  }
  return all.filter((labels) => isThere(family, labels))
}

/** Leaves out what Lagkeeper would: other states where all is known, and the sums where something is not. */
function isThere({ name }: Family, labels: Labels): boolean {
  if (name === lagFamilies.partitions.name) return labels['state'] === 'known' || isPartlyUnknown(labels)
  if (name === lagFamilies.topicRecordsLag.name) return !isPartlyUnknown(labels)
  if (name === lagFamilies.totalRecordsLag.name) return !(labels['consumer'] === 'orders' && isMain(labels))
  return true
}

function valueAt({ name, type }: Family, labels: Labels, seconds: number): number {
  const whole = Math.floor(seconds)
  switch (name) {
    case lagFamilies.topicRecordsLag.name:
      return isMain(labels) && labels['consumer'] === 'orders' ? 500 : 30
    case lagFamilies.objectiveRecords.name:
      return labels['severity'] === 'critical' ? 1_000 : 400
    case lagFamilies.totalRecordsLag.name:
      return 60 + (whole % 5)
    case lagFamilies.position.name:
      return whole * 10
    case lagFamilies.logEndOffset.name:
      return whole * 10 + 30
    case lagFamilies.partitions.name:
      return 2
    case lagFamilies.present.name:
      return !isMain(labels) && labels['consumer'] === 'orders' ? 0 : 1
    case selfFamilies.seriesDropped.name:
      return isMain(labels) ? 12 : 0
    case selfFamilies.sourceUp.name:
      return labels['source'] === 'kafka' && labels['name'] === 'edge' ? 0 : 1
    default:
      if (name.endsWith('_timestamp_seconds')) return whole - 5
      return type === 'counter' ? whole * 3 : 1
  }
}

function isMain(labels: Labels): boolean {
  return labels['kafka_cluster'] === 'main'
}

function isPartlyUnknown(labels: Labels): boolean {
  return isMain(labels) && labels['consumer'] === 'orders' && labels['topic'] === 'stock'
}

function labelText(family: Family, labels: Labels): string {
  if (family.labels.length === 0) return ''
  return `{${family.labels.map((label) => `${label}=${JSON.stringify(labels[label])}`).join(',')}}`
}
