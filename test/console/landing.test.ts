import { describe, expect, it } from 'vitest'
import { type LandingInput, landingPage } from '../../src/console/landing.ts'
import { topConsumers } from '../../src/console/landing-data.ts'
import { consoleCss } from '../../src/console/style.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { type FakeRow, fakeSnapshot, syntheticSnapshot, TAKEN_AT } from '../fakes/snapshot.ts'
import { payloads } from './payloads.ts'
import { skeleton } from './skeleton.ts'

function row(consumer: Consumer, topic: string, partition: number, lag: bigint | 'timeout'): FakeRow {
  const base = { consumer, topic, partition, start: 0n, end: 5_000_000n }
  return lag === 'timeout' ? { ...base, reason: lag } : { ...base, position: base.end - lag }
}

function group(name: string): Consumer {
  return { name, kind: 'classic', group: name }
}

const [billing, orders, broken] = [group('billing'), group('orders'), group('broken')]

function sample(more: Partial<Snapshot> = {}): Snapshot {
  return fakeSnapshot(
    [
      row(billing, 'invoices', 0, 5n),
      row(orders, 'orders', 0, 1_234_000n),
      row(orders, 'orders', 1, 567n),
      row(orders, 'refunds', 0, 0n),
      row(broken, 'orders', 0, 10n),
      row(broken, 'orders', 1, 'timeout'),
    ],
    more,
  )
}

function page(more: Partial<LandingInput> = {}): string {
  return landingPage({
    version: '1.2.3',
    demo: false,
    address: 'localhost:10390',
    now: TAKEN_AT + 3_200,
    clusters: [{ name: 'main', snapshot: sample(), cycleMs: 41 }],
    targets: new Map([['listed', 12]]),
    ...more,
  })
}

/** What a reader sees, without markup. */
function seen(document: string): string {
  return document
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<\/(th|td|p|li|h1|h2|dt|dd|div)>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}

describe('the landing page', () => {
  it('is this document', () => {
    expect(page()).toMatchSnapshot()
  })

  it('says what there is to say', () => {
    expect(seen(page())).toMatchInlineSnapshot(
      `"Lagkeeper Version 1.2.3, watching 1 Kafka cluster Kafka clusters Name Last cycle Problems Consumers Topics Brokers main 3.2 s ago, took 41 ms 0 3 3 1 Consumers, the worst first Consumer Status Time lag Lag in records Topics Kafka cluster orders unknown 1,234,567 2 main billing unknown 5 1 main broken unknown timeout 1 main 3 consumers. Of 1 the lag is unknown: a sum is left out when a partition of it could not be read. Targets listed 12 lingering 0 held 0 quarantined 0 Pages /metrics lag of every consumer, and the daemon itself /metrics/self the daemon itself /sd/v1/targets targets for HTTP service discovery /api/v1/consumers every consumer as JSON, with problems /api/v1/status what is thought of each consumer, as JSON /-/ready ready to be scraped For Prometheus Add this to prometheus.yml: the first job scrapes the lag, the second finds the registered reporters. scrape_configs: - job_name: lagkeeper static_configs: - targets: [ &quot;localhost:10390&quot; ] - job_name: streaming http_sd_configs: - url: http://localhost:10390/sd/v1/targets relabel_configs: - action: labelmap regex: __meta_lagkeeper_label_(.+)"`,
    )
  })

  it('says how to leave the demo, and only in the demo', () => {
    expect(seen(page({ demo: true }))).toContain('This is a demo. The cluster below is simulated.')
    expect(page({ demo: true })).toContain('lagkeeper --kafka.bootstrap=broker1:9092')
    expect(seen(page())).not.toContain('demo')
  })

  it('says what is not known yet', () => {
    const text = seen(landingPage({ version: '1', demo: false, address: 'a:1', now: 0, clusters: [{ name: 'main' }] }))

    expect(text).toContain('main No complete cycle yet')
    expect(text).toContain('No consumer has been seen yet.')
    expect(text).toContain('The registry has no complete view yet.')
    expect(seen(page({ clusters: [] }))).toContain('No Kafka cluster is configured.')
  })

  it('links the problems of a cluster', () => {
    const snapshot = sample({ problems: [{ reason: 'timeout', message: 'x' }] })

    expect(page({ clusters: [{ name: 'main', snapshot }] })).toContain(
      '<a class="bad" href="api/v1/consumers?kafka_cluster=main">1</a>',
    )
  })

  it('links every page relatively, so that it works below a path', () => {
    const links = [...page().matchAll(/href="([^"]*)"/g)].map(([, link]) => link)

    expect(links).toEqual(
      expect.arrayContaining([
        'metrics',
        'metrics/self',
        'sd/v1/targets',
        'api/v1/consumers',
        '-/ready',
        'console.css',
      ]),
    )
    expect(links.filter((link) => link?.startsWith('/') || link?.includes(':'))).toEqual([])
  })

  it('holds no script, no style and nothing inline, as its security policy demands', () => {
    expect(page({ demo: true })).not.toMatch(/<script|<style|style=|\son[a-z]+=|javascript:/i)
  })

  it.each(payloads)('has the same structure whatever the names: %j', (payload) => {
    const hostile = (text: string) => {
      const snapshot = fakeSnapshot([row(group(text), text, 0, 7n), row(group(`${text}2`), text, 0, 'timeout')], {
        problems: [{ reason: 'timeout', message: text, consumer: text, broker: text }],
      })
      return page({
        version: text,
        address: text,
        clusters: [{ name: text, snapshot: { ...snapshot, kafkaCluster: text } }, { name: text }],
      })
    }

    expect(skeleton(hostile(payload))).toEqual(skeleton(hostile('harmless')))
    expect(hostile(payload)).not.toMatch(/<script|<img|<svg|\son[a-z]+="/i)
  })

  it('is made in time for a million rows', () => {
    const snapshot = syntheticSnapshot({ consumers: 1000, topicsPerConsumer: 50, partitions: 20, topics: 2000 })
    const times = Array.from({ length: 5 }, () => {
      const startedAt = performance.now()
      page({ clusters: [{ name: 'big', snapshot }] })
      return performance.now() - startedAt
    })

    expect(Math.min(...times)).toBeLessThan(20)
  })
})

describe('topConsumers()', () => {
  it('puts the largest lag first and the unknown last, with the reason', () => {
    expect(topConsumers([sample()], 20)).toEqual({
      rows: [
        { kafkaCluster: 'main', consumer: 'orders', topics: 2, lag: 1_234_567 },
        { kafkaCluster: 'main', consumer: 'billing', topics: 1, lag: 5 },
        { kafkaCluster: 'main', consumer: 'broken', topics: 1, reason: 'timeout' },
      ],
      all: 3,
      unknown: 1,
    })
  })

  it('takes no more than it was asked for, from all clusters', () => {
    const other = { ...sample(), kafkaCluster: 'other' }

    const top = topConsumers([sample(), other], 2)

    expect(top.rows.map(({ kafkaCluster, consumer }) => [kafkaCluster, consumer])).toEqual([
      ['main', 'orders'],
      ['other', 'orders'],
    ])
    expect([top.all, top.unknown]).toEqual([6, 2])
  })

  it('leaves out consumers that are gone', () => {
    const gone = sample()
    const consumers = gone.consumers.map((total) => ({ ...total, present: total.consumer.name !== 'orders' }))

    expect(topConsumers([{ ...gone, consumers }], 20).rows.map(({ consumer }) => consumer)).toEqual([
      'billing',
      'broken',
    ])
  })

  it('takes the reason of a consumer of whom nothing was read from its problem', () => {
    const snapshot = sample({
      consumers: [{ consumer: group('lost'), present: true }],
      problems: [{ reason: 'unauthorized', message: 'x', consumer: 'lost' }],
    })

    expect(topConsumers([snapshot], 20).rows).toEqual([
      { kafkaCluster: 'main', consumer: 'lost', topics: 0, reason: 'unauthorized' },
    ])
  })
})

describe('the style sheet', () => {
  it('loads nothing and has a dark form', () => {
    expect(consoleCss).not.toMatch(/url\(|@import|expression/i)
    expect(consoleCss).toContain('prefers-color-scheme: dark')
  })

  it('has a rule for every class of the page', () => {
    const classes = new Set(
      [...page({ demo: true }).matchAll(/class="([^"]*)"/g)].flatMap(([, names = '']) => names.split(' ')),
    )

    expect([...classes].filter((name) => !consoleCss.includes(`.${name}`))).toEqual([])
  })
})
