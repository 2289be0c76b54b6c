import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from './cache.ts'
import type { FlinkVersion } from './flink-versions.ts'
import { pythonWith } from './python.ts'
import { runOrThrow } from './run.ts'
import { isAtLeast } from './version.ts'

const downloadAtMostMs = 900_000

/**
 * A folder with `lib/` and `plugins/` of a Flink distribution, fetched from PyPI once (200 to 310 MB): no other registry
 * that we may ask has the distribution, and it is the same as Apache's but for `bin/` and `conf/`.
 */
export function flinkHome(version: FlinkVersion): Promise<string> {
  return cached(`flink-${version}`, async (partial) => {
    const python = await pythonWith(['setuptools==75.8.0', 'wheel==0.45.1'])
    const archive = join(partial, 'archive')
    await mkdir(archive)
    // From 1.13 on the distribution has a package of its own; before, it is in the wheel of PyFlink for CPython 3.7.
    const wheel = !isAtLeast(version, '1.13')
    const what = wheel
      ? ['--only-binary', ':all:', '--platform', 'manylinux1_x86_64', '--python-version', '3.7']
      : ['--no-binary', ':all:', '--no-build-isolation']
    const name = `${wheel ? 'apache-flink' : 'apache-flink-libraries'}==${version}`
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-cache-dir', '--no-deps', ...what, '-d', archive, name]
    await runOrThrow(python, pip, { timeoutMs: downloadAtMostMs })
    const [file = ''] = await readdir(archive)
    const unpack = wheel ? ['-m', 'zipfile'] : ['-m', 'tarfile']
    const unpacked = join(partial, 'unpacked')
    await runOrThrow(python, [...unpack, '-e', join(archive, file), unpacked], { timeoutMs: downloadAtMostMs })
    const root = wheel ? join(unpacked, 'pyflink') : join(unpacked, (await readdir(unpacked))[0] ?? '', 'deps')
    for (const folder of ['lib', 'plugins']) await rename(join(root, folder), join(partial, folder))
    await rm(unpacked, { recursive: true })
    await rm(archive, { recursive: true })
  })
}
