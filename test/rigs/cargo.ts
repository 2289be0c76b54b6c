import { access, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached, withLock } from './cache.ts'
import { debianPackages } from './debian.ts'
import { runOrThrow } from './run.ts'

/** A program that is built from a released crate. */
export interface CargoProgram {
  readonly crate: string
  /** `1.2.3`. */
  readonly version: string
  /** Debian packages with the headers and libraries of C that it is linked with, besides those that are installed. */
  readonly libraries: readonly string[]
}

export interface BuiltProgram {
  readonly path: string
  /** To be set when it runs, so that it finds the libraries that it was linked with. */
  readonly env: Readonly<Record<string, string>>
}

const buildAtMostMs = 1_700_000

/**
 * A program built once with the Rust toolchain of the machine, from the versions that its author locked; one that carries
 * a library of C takes five minutes when nothing is there yet, and needs cmake. Libraries are unpacked into the cache and
 * not installed. One at a time: a build takes every core.
 */
export async function cargoProgram({ crate, version, libraries }: CargoProgram): Promise<BuiltProgram> {
  const prefix = libraries.length === 0 ? undefined : join(await debianPackages(libraries), 'usr')
  const env = prefix === undefined ? {} : await environment(prefix)
  const folder = await cached(`cargo-${crate}-${version}`, (partial) =>
    withLock('cargo', async () => {
      // Outside the partial folder, so that the next try goes on where one that ran out of time has ended.
      const target = join(tmpdir(), `lagkeeper-cargo-${crate}-${version}`)
      const settings = Object.entries({ ...env, CARGO_TARGET_DIR: target }).map(([name, value]) => `${name}=${value}`)
      const install = [
        'cargo',
        'install',
        `${crate}@${version}`,
        '--locked',
        '--no-track',
        '--quiet',
        '--root',
        partial,
      ]
      await runOrThrow('env', [...settings, ...install], { timeoutMs: buildAtMostMs })
      await rm(target, { recursive: true, force: true })
    }),
  )
  const path = join(folder, 'bin', crate)
  await access(path)
  return { path, env: prefix === undefined ? {} : { LD_LIBRARY_PATH: env['LD_LIBRARY_PATH'] ?? '' } }
}

/** Makes compilers and linkers look below `prefix` as well. */
async function environment(prefix: string): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await runOrThrow('cc', ['-print-multiarch'])
  const triplet = stdout.trim()
  const include = join(prefix, 'include')
  const lib = join(prefix, 'lib', triplet)
  return {
    CPATH: `${include}:${join(include, triplet)}`,
    LIBRARY_PATH: lib,
    LD_LIBRARY_PATH: lib,
    CMAKE_PREFIX_PATH: prefix,
    CMAKE_LIBRARY_PATH: lib,
    CMAKE_INCLUDE_PATH: include,
  }
}
