import { type Html, html, linkTo } from './html.ts'
import type { ConsumerRow, TopConsumers } from './landing-data.ts'
import { statusLink } from './status-link.ts'
import { counted, inDigits, inTime, inWords } from './words.ts'

/** The consumers that are worst off, and a sentence about the others. */
export function consumerTable(top: TopConsumers): Html {
  if (top.all === 0) return html`<p>No consumer has been seen yet.</p>`
  return html`<div class="scroll" role="region" aria-labelledby="consumers" tabindex="0">
<table>
<thead><tr><th scope="col">Consumer</th><th scope="col">Status</th><th scope="col" class="number">Time lag</th><th scope="col" class="number">Lag in records</th><th scope="col" class="number">Topics</th><th scope="col">Kafka cluster</th></tr></thead>
<tbody>
${top.rows.map(consumerRow)}</tbody>
</table>
</div>
<p class="quiet">${summary(top)}</p>`
}

function consumerRow({ kafkaCluster, consumer, topics, lag, reason, status, why, timeLag }: ConsumerRow): Html {
  const link = linkTo('api/v1/consumers', { kafka_cluster: kafkaCluster, consumer })
  const mood = status && statusLink(status, why, { kafka_cluster: kafkaCluster, consumer })
  const behind =
    timeLag === undefined ? html`<span class="quiet">unknown</span>` : timeLag === 0 ? '0' : inTime(timeLag)
  const known = lag === undefined ? html`<span class="bad">${inWords(reason ?? 'unknown')}</span>` : inDigits(lag)
  return html`<tr><th scope="row"><a href="${link}">${consumer}</a></th><td>${mood}</td><td class="number">${behind}</td><td class="number">${known}</td><td class="number">${inDigits(topics)}</td><td>${kafkaCluster}</td></tr>
`
}

function summary({ rows, all, unknown }: TopConsumers): string {
  const shown =
    rows.length < all
      ? `The first ${inDigits(rows.length)} of ${counted(all, 'consumer')}.`
      : `${counted(all, 'consumer')}.`
  if (unknown === 0) return shown
  return `${shown} Of ${inDigits(unknown)} the lag is unknown: a sum is left out when a partition of it could not be read.`
}
