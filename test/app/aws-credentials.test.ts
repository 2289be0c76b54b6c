import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest'
import { awsCredentials } from '../../src/app/aws-credentials.ts'
import { listenOnLoopback } from '../fakes/listen.ts'

const { signal } = new AbortController()
const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-aws-'))
afterAll(() => rmSync(folder, { recursive: true }))

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'nowhere'))
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'nowhere'))
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})
afterEach(() => vi.unstubAllEnvs())

it('finds keys in the environment', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  vi.stubEnv('AWS_SESSION_TOKEN', 'token')

  expect(await awsCredentials(undefined)(signal)).toMatchObject({
    accessKeyId: 'AKIDENV',
    secretAccessKey: 'secret',
    sessionToken: 'token',
  })
})

it('finds keys of a profile, and not in the environment then', async () => {
  const file = join(folder, 'credentials')
  writeFileSync(file, '[monitoring]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file)

  expect(await awsCredentials('monitoring')(signal)).toMatchObject({ accessKeyId: 'AKIDPROFILE' })
})

it('finds keys at the endpoint of a container, and new ones when they are over', async () => {
  let asked = 0
  const server = createServer((_, response) => {
    asked++
    response.setHeader('Content-Type', 'application/json')
    const expiration = new Date(Date.now() + (asked === 1 ? 500 : 3_600_000)).toISOString()
    response.end(
      JSON.stringify({ AccessKeyId: `AKID${asked}`, SecretAccessKey: 's', Token: 't', Expiration: expiration }),
    )
  })
  const { url, close } = await listenOnLoopback(server)
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${url}/keys`)
  const keys = awsCredentials(undefined)

  expect(await keys(signal)).toMatchObject({ accessKeyId: 'AKID1', sessionToken: 't' })
  await new Promise((resolve) => setTimeout(resolve, 600))
  expect(await keys(signal)).toMatchObject({ accessKeyId: 'AKID2' })
  expect(await keys(signal)).toMatchObject({ accessKeyId: 'AKID2' })
  await close()
})

it('says that there are none', async () => {
  await expect(awsCredentials(undefined)(signal)).rejects.toThrow(/^Find AWS keys: .*credentials/i)
})
