import type { Snapshot } from '../model/snapshot.ts'
import { type Html, html, linkTo } from './html.ts'
import { inDigits, inTime } from './words.ts'

/** A Kafka cluster as configured, with what is known of it. */
export interface ClusterView {
  readonly name: string
  /** Absent before the first complete cycle. */
  readonly snapshot?: Snapshot
  /** How long the last cycle took. */
  readonly cycleMs?: number
}

export function clusterTable(clusters: readonly ClusterView[], now: number): Html {
  if (clusters.length === 0) return html`<p>No Kafka cluster is configured.</p>`
  return html`<div class="scroll" role="region" aria-labelledby="clusters" tabindex="0">
<table>
<thead><tr><th scope="col">Name</th><th scope="col">Last cycle</th><th scope="col" class="number">Problems</th><th scope="col" class="number">Consumers</th><th scope="col" class="number">Topics</th><th scope="col" class="number">Brokers</th></tr></thead>
<tbody>
${clusters.map((cluster) => clusterRow(cluster, now))}</tbody>
</table>
</div>`
}

function clusterRow({ name, snapshot, cycleMs }: ClusterView, now: number): Html {
  if (snapshot === undefined)
    return html`<tr><th scope="row">${name}</th><td colspan="5" class="quiet">No complete cycle yet</td></tr>
`
  const took = cycleMs === undefined ? undefined : html`, <span class="quiet">took ${inTime(cycleMs)}</span>`
  const present = snapshot.consumers.filter((total) => total.present).length
  return html`<tr><th scope="row">${name}</th><td>${inTime(now - snapshot.takenAt)} ago${took}</td><td class="number">${problems(name, snapshot.problems.length)}</td><td class="number">${inDigits(present)}</td><td class="number">${inDigits(snapshot.catalog.topics.length)}</td><td class="number">${inDigits(snapshot.catalog.brokers.length)}</td></tr>
`
}

/** The consumers of a cluster are listed together with its problems. */
function problems(kafkaCluster: string, count: number): Html {
  if (count === 0) return html`<span class="quiet">0</span>`
  return html`<a class="bad" href="${linkTo('api/v1/consumers', { kafka_cluster: kafkaCluster })}">${inDigits(count)}</a>`
}
