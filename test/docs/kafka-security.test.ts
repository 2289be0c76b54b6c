import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { configSchema } from '../../src/app/schema.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/runtime/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-docs-'))
const anyFile = join(folder, 'file')
writeFileSync(anyFile, 'content', { mode: 0o600 })
afterAll(() => rmSync(folder, { recursive: true }))

const page = readFileSync(join(import.meta.dirname, '../../docs/kafka-security.md'), 'utf8')
const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
const env = { CONFLUENT_API_KEY: 'k', CONFLUENT_API_SECRET: 's', EVENT_HUBS_CONNECTION_STRING: 'c' }

function mechanismOf(block: string): string {
  return /mechanism: (\S+)/.exec(block)?.[1] ?? 'TLS'
}

it('shows every mechanism', () => {
  expect(new Set(blocks.map(mechanismOf))).toEqual(
    new Set(['TLS', 'SCRAM-SHA-512', 'PLAIN', 'OAUTHBEARER', 'AWS_MSK_IAM', 'GSSAPI']),
  )
})

it.each(blocks.map((block) => [mechanismOf(block), block]))(
  'the example of %s is a right configuration',
  (name, block) => {
    const text = block.replaceAll(/(?<=_file: )\S+/g, anyFile)
    const load = () => loadConfig(configSchema, { text, env })

    // The one package that nobody has unless he installed it.
    if (name === 'GSSAPI' && !isRight(load))
      expect(load).toThrow(/^kafka\[0\]\.sasl\.mechanism .*npm install kerberos$/)
    else expect(load().kafka).toHaveLength(1)
  },
)

function isRight(load: () => unknown): boolean {
  try {
    load()
    return true
  } catch (error) {
    if (error instanceof ConfigError) return false
    throw error
  }
}
