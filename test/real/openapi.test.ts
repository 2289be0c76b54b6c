import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startDaemon } from '../rigs/daemon.ts'
import type { RigProcess } from '../rigs/process.ts'
import { pythonWith } from '../rigs/python.ts'
import { run } from '../rigs/run.ts'

const spec = join(import.meta.dirname, '../../docs/openapi.yaml')
const packages = ['schemathesis==4.32.5', 'hypothesis==6.170.17', 'jsonschema_rs==0.60.3']

/** Addresses that the daemon takes: of a random text it would ask a name server. */
const hooks = `
import schemathesis
from hypothesis import strategies as st

number = st.integers(0, 255)
schemathesis.openapi.format("host-port", st.builds("10.{}.{}.{}:{}".format, number, number, number, st.integers(1, 65535)))
`

/** What the file cannot say: \`shard\` needs \`of\`, a pattern must be RE2, and a cursor must come from us. */
const config = `
hooks = "hooks"

[generation]
max-examples = 5
deterministic = true
database = "none"
no-shrink = true

[[operations]]
include-path-regex = "^/(sd/v1/targets|api/v1/(consumers|status))$"
checks.positive_data_acceptance.enabled = false

# Who shows no secret is answered 403 as is one who shows a wrong one, not 401: it is no password that one could have.
[[operations]]
include-path = "/v1/replicas/heartbeats"
checks.missing_required_header.enabled = false
`

let folder: string
let url: string
let python: string
let daemon: RigProcess

beforeAll(async () => {
  python = await pythonWith(packages)
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-openapi-'))
  await writeFile(join(folder, 'hooks.py'), hooks)
  await writeFile(join(folder, 'schemathesis.toml'), config)
  ;({ process: daemon, url } = await startDaemon({ folder, config: 'demo: true' }))
  await vi.waitFor(async () => expect((await fetch(`${url}/-/ready`)).status).toBe(200), { timeout: 60_000 })
})
afterAll(async () => {
  await daemon?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Runs schemathesis against the daemon with an OpenAPI file. */
function schemathesis(file: string, args: readonly string[]) {
  const start = 'from schemathesis.cli import schemathesis; schemathesis()'
  const options = ['--config-file=schemathesis.toml', '--no-color', 'run', file, `--url=${url}`, ...args]
  return run(python, ['-c', start, ...options], { cwd: folder, timeoutMs: 150_000 })
}

it('answers as the file says to whatever the file allows and forbids', async () => {
  const { code, stdout, stderr } = await schemathesis(spec, [])

  expect(code, `${stdout.slice(-6_000)}${stderr}`).toBe(0)
  const [, selected, all] = /Selected: (\d+)\/(\d+)/.exec(stdout) ?? []
  expect([selected, /Tested: (\d+)/.exec(stdout)?.[1]]).toEqual([all, all])
  expect(Number(/(\d+) generated/.exec(stdout)?.[1])).toBeGreaterThan(300)
  expect(await daemon.log()).not.toContain('Request failed')
})

it('would be found out if an answer were different', async () => {
  const changed = join(folder, 'changed.yaml')
  await writeFile(changed, (await readFile(spec, 'utf8')).replaceAll('required: [unknown]', 'required: [unheard_of]'))

  const { code, stdout } = await schemathesis(changed, ['--phases=examples', '--include-path=/v1/heartbeats'])

  expect(code, stdout).toBe(1)
  expect(stdout).toContain('"unheard_of" is a required property')
})
