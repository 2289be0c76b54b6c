import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, withLock } from './cache.ts'
import { run, runOrThrow } from './run.ts'

/** The path of a program in `/usr/bin` of a Debian package, which is unpacked into the cache and not installed. */
export async function debianProgram(packageName: string, program: string): Promise<string> {
  const folder = await cached(`debian-${packageName}`, async (partial) => {
    await withLock('apt', () => download(packageName, partial))
    for (const name of (await readdir(partial)).filter((entry) => entry.endsWith('.deb'))) {
      await runOrThrow('dpkg', ['-x', join(partial, name), partial])
      await rm(join(partial, name))
    }
  })
  return join(folder, 'usr', 'bin', program)
}

async function download(packageName: string, folder: string): Promise<void> {
  const first = await run('apt-get', ['download', packageName], { cwd: folder })
  if (first.code === 0) return
  // The lists may be old or absent.
  await runOrThrow('apt-get', ['update'], { timeoutMs: 300_000 })
  await runOrThrow('apt-get', ['download', packageName], { cwd: folder })
}
