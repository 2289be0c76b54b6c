import { z } from 'zod'
import { duration } from '../../src/config/duration.ts'
import { type ConfigSource, loadConfig } from '../../src/config/load.ts'
import { besideOthers, distinct } from '../../src/config/rules.ts'
import { file, secret, text } from '../../src/config/text-options.ts'
import { ConfigError } from '../../src/runtime/errors.ts'

const server = z.strictObject({
  name: text('a name', /^[a-z]+$/),
  password: secret().optional(),
  ca_file: file().optional(),
  retries: z.int().min(0).max(9).prefault(3),
  verify: z.boolean().prefault(true),
})

/** A small schema with an option of every kind, for tests of the loader. */
const sampleSchema = z.strictObject({
  interval: duration('1s', '1h').prefault('15s'),
  color: z.enum(['red', 'green']).optional(),
  servers: server.array().min(1).superRefine(distinct('name'), besideOthers).optional(),
})

export function load(yaml: string, more: Partial<ConfigSource> = {}) {
  return loadConfig(sampleSchema, { text: yaml, env: {}, ...more })
}

export function problemsOf(yaml: string, more: Partial<ConfigSource> = {}): readonly string[] {
  try {
    load(yaml, more)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
