import { createHash } from 'node:crypto'
import { DecodeError, UnavailableError } from '../runtime/errors.ts'

export interface DigestMd5Options {
  readonly username: string
  readonly password: string
  /** `service/host` as the server names itself; ZooKeeper's is `zookeeper/zk-sasl-md5`. */
  readonly digestUri: string
  /** Ours, never used before. */
  readonly cnonce: string
}

interface DigestMd5Answer {
  readonly token: Buffer
  /**
   * Checks that the server knows the password too.
   *
   * @throws UnavailableError (denied) when it does not.
   */
  verify(finalToken: Buffer): void
}

/**
 * The client's half of SASL DIGEST-MD5, with `qop=auth` only: the connection itself is not protected.
 *
 * @throws DecodeError when the challenge breaks the format; UnavailableError when it asks for what we do not have.
 * @see RFC 2831
 */
export function answerDigestMd5(challenge: Buffer, options: DigestMd5Options): DigestMd5Answer {
  const asked = parseDirectives(challenge)
  const nonce = asked.get('nonce')
  if (nonce === undefined) throw new DecodeError('Read SASL challenge: no "nonce"')
  if (asked.get('algorithm') !== 'md5-sess')
    throw new UnavailableError(`SASL: algorithm "${asked.get('algorithm') ?? ''}", expected "md5-sess"`)
  const offered = asked.get('qop') ?? 'auth'
  if (!offered.split(/[\s,]+/).includes('auth'))
    throw new UnavailableError(`SASL: protection "${offered}" is offered, expected "auth"`)
  const isUtf8 = asked.get('charset') === 'utf-8'
  const realm = asked.get('realm')
  const { username, password, digestUri, cnonce } = options
  const encoding = isUtf8 ? 'utf8' : 'latin1'
  const secret = md5(joined(hashed(username, isUtf8), hashed(realm ?? '', isUtf8), hashed(password, isUtf8)))
  const key = hex(joined(secret, Buffer.from(nonce, encoding), Buffer.from(cnonce)))
  /** `method` is `AUTHENTICATE` in our answer and empty in the server's. */
  const proof = (method: string): string =>
    hex(Buffer.from(`${key}:${nonce}:${count}:${cnonce}:auth:${hex(Buffer.from(`${method}:${digestUri}`))}`, encoding))

  const directives = [
    ...(isUtf8 ? ['charset=utf-8'] : []),
    `username=${quoted(username)}`,
    ...(realm === undefined ? [] : [`realm=${quoted(realm)}`]),
    `nonce=${quoted(nonce)}`,
    `nc=${count}`,
    `cnonce=${quoted(cnonce)}`,
    `digest-uri=${quoted(digestUri)}`,
    `response=${proof('AUTHENTICATE')}`,
    'qop=auth',
  ]
  return {
    token: Buffer.from(directives.join(','), encoding),
    verify: (finalToken) => {
      if (parseDirectives(finalToken).get('rspauth') !== proof(''))
        throw new UnavailableError('SASL: the server could not show that it knows the password', { denied: true })
    },
  }
}

/** We never use a nonce twice. */
const count = '00000001'

function md5(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest()
}

function hex(bytes: Buffer): string {
  return md5(bytes).toString('hex')
}

function joined(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(':'), part])))
}

/** What is hashed is ISO 8859-1 wherever that can hold it, whatever is on the wire (section 2.1.2.1). */
function hashed(text: string, isUtf8: boolean): Buffer {
  const needsUtf8 = [...text].some((letter) => (letter.codePointAt(0) ?? 0) > 0xff)
  return Buffer.from(text, isUtf8 && needsUtf8 ? 'utf8' : 'latin1')
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

const directive = /\s*([A-Za-z0-9-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)/sy
const maxTokenBytes = 4_096

/** `key=value,key="quoted value"`; of a key that comes twice (realm) the first. */
function parseDirectives(token: Buffer): ReadonlyMap<string, string> {
  if (token.length > maxTokenBytes)
    throw new DecodeError(`Read SASL token: ${token.length} bytes, expected at most ${maxTokenBytes}`)
  const text = token.toString('utf8')
  const found = new Map<string, string>()
  const pattern = new RegExp(directive)
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const match = pattern.exec(text)
    if (match === null) throw new DecodeError(`Read SASL token: no directive at byte ${at}`)
    const [, key = '', escaped, plain] = match
    if (!found.has(key)) found.set(key, escaped?.replace(/\\(.)/gs, '$1') ?? plain ?? '')
  }
  return found
}
