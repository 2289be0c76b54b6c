import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { exposure, readTextFile } from '../../src/config/read-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'lagkeeper-read-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function put(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

/** As somebody who is not root: root reads everything. */
function asNobody<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work()
  chmodSync(directory, 0o755)
  process.seteuid?.(65_534)
  try {
    return work()
  } finally {
    process.seteuid?.(0)
  }
}

describe('readTextFile()', () => {
  it('reads UTF-8, and through a link', () => {
    const path = put('plain', 'grüße: ✓\n')
    symlinkSync(path, join(directory, 'link'))

    expect(readTextFile(path)).toEqual({ text: 'grüße: ✓\n' })
    expect(readTextFile(join(directory, 'link'))).toEqual({ text: 'grüße: ✓\n' })
  })

  it.each([
    ['a file that is missing', () => join(directory, 'missing'), 'no such file'],
    ['a file below a file', () => join(put('below', ''), 'x'), 'no such file'],
    ['a directory', () => directory, 'a directory, expected a file'],
    ['more than 1 MiB', () => put('large', 'x'.repeat(2 ** 20 + 1)), 'more than 1048576 bytes'],
    ['a byte order mark', () => put('bom', '\ufeffa: 1'), 'starts with a byte order mark, expected UTF-8 without one'],
    ['UTF-16', () => put('utf16', Buffer.from('\ufeffa: 1', 'utf16le')), 'not UTF-8'],
    ['bytes that are not UTF-8', () => put('latin1', Buffer.from([0x61, 0x3a, 0xfc])), 'not UTF-8'],
    ['a device', () => '/dev/zero', 'not a regular file'],
    ['a link in a circle', () => circle(), 'a link that leads in a circle'],
  ])('refuses %s', (_, path, problem) => {
    expect(readTextFile(path())).toEqual({ problem })
  })

  it('does not wait for the writer of a pipe', () => {
    const path = join(directory, 'pipe')
    execFileSync('sh', ['-c', `mkfifo '${path}'`])

    expect(readTextFile(path)).toEqual({ problem: 'not a regular file' })
  })

  it('takes exactly 1 MiB', () => {
    expect(readTextFile(put('edge', 'x'.repeat(2 ** 20)))).toHaveProperty('text')
  })

  it('refuses a file that may not be read', () => {
    const path = put('closed', 'x', 0o000)

    expect(asNobody(() => readTextFile(path))).toEqual({ problem: 'permission denied' })
  })

  it.each([
    [0o600, undefined],
    [0o400, undefined],
    [0o700, undefined],
    [0o640, 'mode 0640 lets its group at it, expected 0600 or 0400'],
    [0o660, 'mode 0660 lets its group at it, expected 0600 or 0400'],
    [0o644, 'mode 0644 lets every user at it, expected 0600 or 0400'],
    [0o604, 'mode 0604 lets every user at it, expected 0600 or 0400'],
    [0o602, 'mode 0602 lets every user at it, expected 0600 or 0400'],
  ])('of a private file with mode 0%o says %s', (mode, problem) => {
    const path = put(`private-${mode}`, 's3cret', mode)

    expect(readTextFile(path, true)).toEqual(problem === undefined ? { text: 's3cret' } : { problem })
    expect(readTextFile(path)).toEqual({ text: 's3cret' })
  })
})

describe('a private file in a group of ours', () => {
  const reader = { uid: 65_532, groups: [65_532] }

  it.each([
    ['of root, as Kubernetes mounts it, is taken', { mode: 0o100440, uid: 0, gid: 65_532 }, reader, undefined],
    ['of root, as systemd passes it, is taken', { mode: 0o100440, uid: 0, gid: 0 }, reader, undefined],
    [
      'of root that the group may write is refused',
      { mode: 0o100460, uid: 0, gid: 65_532 },
      reader,
      'mode 0460 lets its group at it',
    ],
    [
      'of root in another group is refused',
      { mode: 0o100440, uid: 0, gid: 7 },
      reader,
      'mode 0440 lets its group at it',
    ],
    ['of ourselves is refused', { mode: 0o100440, uid: 65_532, gid: 65_532 }, reader, 'mode 0440 lets its group at it'],
    [
      'of root is refused to root',
      { mode: 0o100440, uid: 0, gid: 0 },
      { uid: 0, groups: [0] },
      'mode 0440 lets its group at it',
    ],
    [
      'of root that everybody may read is refused',
      { mode: 0o100444, uid: 0, gid: 65_532 },
      reader,
      'mode 0444 lets every user at it',
    ],
  ])('%s', (_, file, who, problem) => {
    const found = exposure(file, who)

    if (problem === undefined) expect(found).toBeUndefined()
    else expect(found).toContain(problem)
  })
})

function circle(): string {
  const path = join(directory, 'circle')
  symlinkSync(path, path)
  return path
}
