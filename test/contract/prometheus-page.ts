import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configSchema } from '../../src/app/schema.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type PrometheusVersion, promtoolBinary } from '../rigs/prometheus.ts'
import { run } from '../rigs/run.ts'

const page = await readFile(join(import.meta.dirname, '../../docs/prometheus.md'), 'utf8')
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)
const forPrometheus = blocks.filter((text) => text.startsWith('# prometheus.yml\n'))
const forLagkeeper = blocks.filter((text) => text.startsWith('# lagkeeper.yaml\n'))

/** What the page for users of Prometheus tells them to copy. */
export function prometheusPageContract(version: PrometheusVersion): void {
  describe(`docs/prometheus.md for Prometheus ${version}`, () => {
    it('has no block of YAML that nobody checks', () => {
      expect(blocks).toHaveLength([...page.matchAll(/^```\w/gm)].length)
      expect(forPrometheus.length + forLagkeeper.length).toBe(blocks.length)
      expect(forPrometheus.length).toBeGreaterThan(8)
    })

    it.each(forPrometheus)('has a configuration that promtool accepts: %s', async (text) => {
      expect(await promtool(version, text)).toBe(0)
    })

    it('would show one that promtool refuses', async () => {
      for (const text of forPrometheus)
        expect(await promtool(version, text.replace(/(http|file|serverset|nerve)_sd_configs/, 'sd_configs'))).toBe(1)
    })

    it.each(forLagkeeper)('has a configuration that Lagkeeper accepts: %s', (text) => {
      expect(loadConfig(configSchema, { text, env: {} }).service_discovery.files.length).toBeGreaterThan(0)
    })
  })
}

async function promtool(version: PrometheusVersion, text: string): Promise<number | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-page-'))
  const file = join(folder, 'prometheus.yml')
  try {
    await writeFile(file, text)
    // The files that it names are not here.
    return (await run(await promtoolBinary(version), ['check', 'config', '--syntax-only', file])).code
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
