import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders = new Set<string>()

/** A folder that goes with the other ones at the end of a test file. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `lagkeeper-${name}-`))
  folders.add(folder)
  return folder
}

export async function removeTemporaryFolders(): Promise<void> {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
}
