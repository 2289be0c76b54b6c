/** What a mechanism says to one token: another token is wanted, it is over with `last`, or no. */
export type SaslOutcome = { readonly challenge: Buffer } | { readonly user: string; readonly last: Buffer } | 'refused'

/** One exchange of a mechanism, token by token. */
export type SaslStep = (token: Uint8Array) => SaslOutcome

/** PLAIN (RFC 4616). */
export function plainStep(users: Readonly<Record<string, string>>): SaslStep {
  return (token) => {
    const [, user = '', password] = Buffer.from(token).toString('utf8').split('\0')
    const isRight = password !== undefined && Object.hasOwn(users, user) && users[user] === password
    return isRight ? { user, last: Buffer.alloc(0) } : 'refused'
  }
}

/** Ends every part of a message of OAUTHBEARER. */
const END = '\x01'

/** OAUTHBEARER (RFC 7628): a bad token is answered as if by a challenge, and refused when the client has read it. */
export function bearerStep(userOf: (token: string) => string | undefined): SaslStep {
  let isRefused = false
  return (token) => {
    if (isRefused) return 'refused'
    const [head, auth = '', ...rest] = Buffer.from(token).toString('utf8').split(END)
    const isWhole = head === 'n,,' && auth.startsWith('auth=Bearer ') && rest.slice(-2).join('') === ''
    const user = isWhole ? userOf(auth.slice('auth=Bearer '.length)) : undefined
    if (user !== undefined) return { user, last: Buffer.alloc(0) }
    isRefused = true
    return { challenge: Buffer.from('{"status":"invalid_token"}') }
  }
}
