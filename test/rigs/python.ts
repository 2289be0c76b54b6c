import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { runOrThrow } from './run.ts'

const installAtMostMs = 600_000

/**
 * The path of a Python that has the given packages (`name==1.2.3`, all pinned) in an environment of its own in the cache.
 * Call programs as modules or with `-c`: their start scripts name the folder in which they were made, which is not where
 * they end.
 */
export async function pythonWith(packages: readonly string[]): Promise<string> {
  const digest = createHash('sha256').update(packages.join('\n')).digest('hex').slice(0, 12)
  const folder = await cached(`python-${digest}`, async (partial) => {
    await runOrThrow('python3', ['-m', 'venv', partial], { timeoutMs: installAtMostMs })
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', ...packages]
    await runOrThrow(join(partial, 'bin', 'python'), pip, { timeoutMs: installAtMostMs })
  })
  return join(folder, 'bin', 'python')
}
