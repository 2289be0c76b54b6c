import { createHeadReader, mostHeadBytes, type PageHead, type ReadHead } from '../discovery/page-head.ts'
import { readPageWith } from '../probe/read-page.ts'
import { formatAddress, parseAddress } from '../targets/parse-address.ts'

/** A TaskManager renders all its metrics before it sends the first of them. */
const deadlineMs = 4_000

/** Asks who is at an address by the beginning of its page `/metrics`, with a socket that is closed afterwards. */
export const readPageHead: ReadHead = async (address, signal): Promise<PageHead> => {
  const where = parseAddress(address)
  if (where === undefined || where.kind === 'name')
    return { kind: 'unknown', why: `"${address}" is no literal IP address` }
  const { host, port } = where
  const place = { scheme: 'http', ip: host, port, path: '/metrics', host: formatAddress(host, port) } as const
  const page = await readPageWith(createHeadReader(), place, { deadlineMs, mostBytes: mostHeadBytes }, signal)
  switch (page.verdict) {
    case 'page':
      return page.identity
    case 'gone':
      return { kind: 'nobody', why: page.why }
    case 'unverified':
      return { kind: 'stranger', why: page.why }
    default:
      return { kind: 'unknown', why: page.why }
  }
}
