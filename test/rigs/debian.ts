import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, withLock } from './cache.ts'
import { run, runOrThrow } from './run.ts'

/** The path of a program in `/usr/bin` of a Debian package, which is unpacked into the cache and not installed. */
export async function debianProgram(packageName: string, program: string): Promise<string> {
  return join(await debianPackages([packageName]), 'usr', 'bin', program)
}

/** A folder into which Debian packages are unpacked, all over each other and without what they depend on. */
export async function debianPackages(packages: readonly string[]): Promise<string> {
  return cached(`debian-${packages.join('+')}`, async (partial) => {
    await withLock('apt', () => download(packages, partial))
    for (const name of (await readdir(partial)).filter((entry) => entry.endsWith('.deb'))) {
      await runOrThrow('dpkg', ['-x', join(partial, name), partial])
      await rm(join(partial, name))
    }
  })
}

async function download(packages: readonly string[], folder: string): Promise<void> {
  const first = await run('apt-get', ['download', ...packages], { cwd: folder })
  if (first.code === 0) return
  // The lists may be old or absent.
  await runOrThrow('apt-get', ['update'], { timeoutMs: 300_000 })
  await runOrThrow('apt-get', ['download', ...packages], { cwd: folder })
}
