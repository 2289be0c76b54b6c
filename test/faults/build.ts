import { copyFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from '../rigs/run.ts'
import { temporaryFolder } from './temporary-folder.ts'

const root = join(import.meta.dirname, '../..')
let built: Promise<readonly string[]> | undefined

/**
 * The arguments for Node that start the daemon, built from the present sources once a test file: what is tested is never
 * older than the tree, and it starts in half a second: a hundred starts from the sources would take minutes. Types are
 * checked elsewhere.
 */
export function daemonArgs(): Promise<readonly string[]> {
  built ??= build()
  return built
}

async function build(): Promise<readonly string[]> {
  const folder = temporaryFolder('built')
  const out = join(folder, 'dist')
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await runOrThrow(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', out, '--noCheck'])
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  return [join(out, 'main.js')]
}
