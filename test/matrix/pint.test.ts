import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTroubledFeed } from '../alerts/feed.ts'
import { root } from '../alerts/rule-files.ts'
import { startScraped } from '../dashboards/scraped.ts'
import { goProgram } from '../rigs/go.ts'
import { run } from '../rigs/run.ts'

const config = join(root, 'config/pint.hcl')
const rules = join(root, 'alerts')
let pint = ''
let dir = ''

beforeAll(async () => {
  pint = await goProgram({ module: 'github.com/cloudflare/pint', version: 'v0.80.0', package: 'cmd/pint' })
  dir = await mkdtemp(join(tmpdir(), 'lagkeeper-pint-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

describe('pint', () => {
  it('has nothing to say of the rules', async () => {
    const result = await lint([config, '--offline'], rules)

    expect(result.stderr).toContain('Checking Prometheus rules')
    expect(result.stderr).not.toContain('Problems found')
    expect(result.code).toBe(0)
  })

  it.each([
    ['alerts/template', 'expr: up == 0', 'labels: { severity: "{{ $value }}" }'],
    ['alerts/comparison', 'expr: up', 'labels: { severity: critical }'],
    ['promql/regexp', 'expr: up{job=~"lagkeeper"} == 0', 'labels: { severity: critical }'],
    ['alerts/annotation', 'expr: up == 0', 'labels: { severity: critical }'],
    ['rule/name', 'expr: up == 0', 'labels: { severity: critical }'],
  ])('would say it by the shipped configuration: %s', async (check, expr, labels) => {
    const file = join(dir, `${check.replace('/', '-')}.yaml`)
    await writeFile(
      file,
      `groups:\n  - name: wrong\n    rules:\n      - alert: Wrong\n        ${expr}\n        ${labels}\n`,
    )

    const result = await lint([config, '--offline'], file)

    expect(result.stderr).toContain(`(${check})`)
    expect(result.code).not.toBe(0)
  })

  it('finds no fault with what a real Prometheus answers, but that a healthy fleet has no such series', async () => {
    await using scraped = await startScraped(startTroubledFeed)
    const { url } = scraped.prometheus
    await expect.poll(() => has(url, 'stream_consumer_status'), { timeout: 30_000 }).toBe(true)
    const online = join(dir, 'online.hcl')
    await writeFile(online, `${await readFile(config, 'utf8')}\nprometheus "real" {\n  uri = "${url}"\n}\n`)

    const result = await lint([online], rules)

    const checks = [...result.stderr.matchAll(/\(([a-z]+\/[a-z_]+)\)$/gm)].map(([, check]) => check)
    expect(result.stderr).toContain('online=true')
    expect(new Set(checks)).toEqual(new Set(['promql/series']))
  })
})

/** With every problem shown, and any of them a failure. */
function lint([file = '', ...flags]: readonly string[], path: string) {
  return run(pint, ['--no-color', `--config=${file}`, ...flags, 'lint', '--min-severity=info', '--fail-on=info', path])
}

async function has(url: string, metric: string): Promise<boolean> {
  const answer = await (await fetch(`${url}/api/v1/query?query=${metric}`)).text()
  return answer.includes('"value"')
}
