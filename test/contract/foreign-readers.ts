import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memberPath } from '../../src/targets/member-name.ts'
import { type RunningReplica, runReplica, untilReady } from '../registry/zookeeper-registry-world.ts'
import { type PrometheusRig, type PrometheusVersion, startPrometheus } from '../rigs/prometheus.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'
import { registration } from '../targets/samples.ts'
import { randomRegistrations } from './target-list.ts'

const signal = AbortSignal.timeout(600_000)
const soon = { timeout: 60_000, interval: 300 }
const members = '/lagkeeper/targets'
const jobs = ['serverset', 'nerve'] as const

/** One scrape loop, or what would be one: the path of its znode, its address, and the name where there is one. */
interface Seen {
  readonly path: string
  readonly address: string
  readonly name: string | undefined
}

/** Prometheus' own readers of ZooKeeper at the members that we write, with the configuration that our page shows. */
export function foreignReadersContract(version: PrometheusVersion): void {
  describe(`our members in ZooKeeper as Prometheus ${version} reads them by itself`, () => {
    let folder: string
    let zookeeper: ZookeeperRig
    let replica: RunningReplica
    let prometheus: PrometheusRig

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'lagkeeper-foreign-'))
      zookeeper = await startZookeeper({ version: '3.9.5' })
      replica = runReplica({ connect: `${zookeeper.connect}/lagkeeper`, storagePath: folder, sessionTimeoutMs: 20_000 })
      await untilReady(replica)
      const where = `servers: ['${zookeeper.connect}'], paths: ['${members}']`
      prometheus = await startPrometheus({
        version,
        config: [
          'global: { scrape_interval: 1h }',
          'scrape_configs:',
          '  - job_name: serverset',
          `    serverset_sd_configs: [{ ${where} }]`,
          '    relabel_configs: [{ source_labels: [__meta_serverset_status], regex: ALIVE, action: keep }]',
          '  - job_name: nerve',
          `    nerve_sd_configs: [{ ${where} }]`,
        ].join('\n'),
      })
    })
    afterAll(async () => {
      await prometheus?.stop()
      await replica?.stop()
      await zookeeper?.stop()
      await rm(folder, { recursive: true, force: true })
    })

    const seen = async (job: string): Promise<readonly Seen[]> => {
      const found = (await prometheus.targets()).filter(({ scrapePool }) => scrapePool === job)
      return inOrder(
        found.map(({ discoveredLabels: labels }) => ({
          path: labels[`__meta_${job}_path`] ?? '',
          address: labels['__address__'] ?? '',
          name: labels['__meta_nerve_endpoint_name'],
        })),
      )
    }
    const ours = (job: string): readonly Seen[] =>
      inOrder(
        (replica.registry.view()?.targets ?? []).map(({ registration: one }) => ({
          path: `${members}/${memberPath(one, one.incarnation)}`,
          address: one.address,
          name: job === 'nerve' ? one.id : undefined,
        })),
      )

    // Prometheus hands on what its readers found every five seconds: both are waited for at the same time.
    it('are the targets of serverset_sd and nerve_sd, whatever they are called', async () => {
      const many = randomRegistrations(300).map(({ registration: one }) => ({ ...one, leaseSeconds: 600 }))
      await replica.registry.put(many, signal)
      await expect.poll(() => replica.registry.view()?.targets.length, soon).toBe(300)

      for (const job of jobs) await expect.poll(async () => (await seen(job)).length, soon).toBe(300)
      // What nobody else wrote there, such as the directories, would come by now.
      await sleep(6_000)

      for (const job of jobs) expect(await seen(job), job).toEqual(ours(job))
    })

    it('are followed by serverset_sd and nerve_sd: one comes, has a new life and goes', async () => {
      const one = registration({ instance: 'followed', address: '10.1.0.1:1', leaseSeconds: 600 })
      const lives = async (job: string) => (await seen(job)).filter(({ path }) => path.includes('_followed_'))
      const life = (job: string, incarnation: string) => ({
        path: `${members}/${memberPath(one, incarnation)}`,
        address: one.address,
        name: job === 'nerve' ? one.id : undefined,
      })

      expect(await replica.registry.put([one], signal)).toMatchObject([{ outcome: 'created' }])
      for (const job of jobs) await expect.poll(() => lives(job), soon).toEqual([life(job, '1')])

      expect(await replica.registry.put([{ ...one, incarnation: '2' }], signal)).toMatchObject([
        { outcome: 'replaced' },
      ])
      for (const job of jobs) await expect.poll(() => lives(job), soon).toEqual([life(job, '2')])

      await replica.registry.withdraw(one.id, '2', signal)
      for (const job of jobs) await expect.poll(() => lives(job), soon).toEqual([])
      for (const job of jobs) expect(await seen(job), job).toEqual(ours(job))
    })
  })
}

function inOrder(many: readonly Seen[]): readonly Seen[] {
  return many.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}
