import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached, withLock } from './cache.ts'
import { runOrThrow } from './run.ts'

/** A program that is built from a released Go module. */
export interface GoProgram {
  readonly module: string
  /** `v1.2.3`. */
  readonly version: string
  /** Path of its main package inside the module, such as `cmd/promtool`. */
  readonly package: string
}

/** Less than a hook of the matrix may take, so that the failure says what was being built. */
const buildAtMostMs = 1_700_000

/** Whatever the user has set for own work. */
const settings = ['GOFLAGS=', 'GOWORK=off', 'CGO_ENABLED=0']

/**
 * The path of a program, built once with the Go toolchain of the machine; a big one takes ten minutes when nothing is
 * there yet. In a module of its own that requires it, because `go install program@version` asks for more than some
 * module proxies give. One at a time: a build takes every core.
 */
export async function goProgram(program: GoProgram): Promise<string> {
  const name = program.package.split('/').at(-1) ?? program.package
  const folder = await cached(`go-${name}-${program.version}`, (partial) =>
    withLock('go', () => build(program, join(partial, name))),
  )
  return join(folder, name)
}

async function build({ module, version, package: path }: GoProgram, output: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-go-'))
  const endsAt = Date.now() + buildAtMostMs
  const go = (...args: readonly string[]) =>
    runOrThrow('nice', ['env', ...settings, 'go', ...args], { cwd: folder, timeoutMs: endsAt - Date.now() })
  try {
    await go('mod', 'init', 'rig')
    await go('mod', 'edit', `-require=${module}@${version}`)
    const compile = () =>
      go('build', '-mod=mod', '-buildvcs=false', '-trimpath', '-ldflags=-s -w', '-o', output, `${module}/${path}`)
    // One of hundreds of downloads may fail; what was fetched and compiled before is kept by Go.
    await compile().catch(compile)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
