/** True when ZooKeeper takes it as the path of a znode. @see PathUtils.validatePath of ZooKeeper */
export function isValidPath(path: string): boolean {
  if (path === '/') return true
  if (path.charCodeAt(0) !== slash) return false
  // One pass without a split: fifty thousand paths are checked in a row.
  let start = 1
  for (let index = 1; index < path.length; index++) {
    const code = path.charCodeAt(index)
    if (code === slash) {
      if (!isValidName(path, start, index)) return false
      start = index + 1
    } else if (isForbidden(code)) return false
  }
  return isValidName(path, start, path.length)
}

const slash = 0x2f
const dot = 0x2e

function isValidName(path: string, start: number, end: number): boolean {
  if (end === start) return false
  if (path.charCodeAt(start) !== dot) return true
  return end - start > 2 || (end - start === 2 && path.charCodeAt(start + 1) !== dot)
}

function isForbidden(code: number): boolean {
  const isControl = code < 0x20 || (code >= 0x7f && code <= 0x9f)
  return isControl || (code >= 0xd800 && code <= 0xf8ff) || code >= 0xfff0
}

/** The path of the parent; of `/` itself, `/`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** The path of a child. */
export function childOf(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`
}

/** True for `path` itself and for everything below it. */
export function isWithin(path: string, candidate: string): boolean {
  return path === '/' || candidate === path || candidate.startsWith(`${path}/`)
}

/** Every path from the first level down to `path` itself: `/a`, `/a/b`, `/a/b/c`. */
export function lineage(path: string): readonly string[] {
  if (path === '/') return []
  const parts = path.slice(1).split('/')
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
}

/** From a caller's path to the server's. */
export function withChroot(chroot: string, path: string): string {
  return chroot === '' ? path : path === '/' ? chroot : chroot + path
}

/** From the server's path to a caller's; undefined when it lies outside the chroot. */
export function withoutChroot(chroot: string, path: string): string | undefined {
  if (chroot === '') return path
  if (!isWithin(chroot, path)) return undefined
  return path.length === chroot.length ? '/' : path.slice(chroot.length)
}
