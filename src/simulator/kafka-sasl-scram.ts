import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { SaslOutcome, SaslStep } from './kafka-sasl-steps.ts'

const ITERATIONS = 4096

/** The broker's side of SCRAM (RFC 5802): what it stores is made from the passwords on the way. */
export function scramStep(hash: 'sha256' | 'sha512', users: Readonly<Record<string, string>>): SaslStep {
  const salt = randomBytes(16)
  let bare = ''
  let first = ''
  let user = ''

  function open(token: string): SaslOutcome {
    bare = token.replace(/^n,,/, '')
    const { n = '', r = '' } = fieldsOf(bare)
    user = n.replaceAll('=2C', ',').replaceAll('=3D', '=')
    if (r === '' || !token.startsWith('n,,')) return 'refused'
    first = `r=${r}${randomBytes(12).toString('hex')},s=${salt.toString('base64')},i=${ITERATIONS}`
    return { challenge: Buffer.from(first) }
  }

  function prove(token: string): SaslOutcome {
    const { r, p = '' } = fieldsOf(token)
    const password = Object.hasOwn(users, user) ? users[user] : undefined
    if (password === undefined || r !== fieldsOf(first)['r']) return 'refused'
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest()
    const salted = pbkdf2Sync(password, salt, ITERATIONS, hash === 'sha256' ? 32 : 64, hash)
    const message = `${bare},${first},${token.slice(0, token.lastIndexOf(',p='))}`
    const stored = createHash(hash).update(hmac(salted, 'Client Key')).digest()
    const signature = hmac(stored, message)
    const proof = Buffer.from(p, 'base64')
    if (proof.length !== signature.length) return 'refused'
    const clientKey = Buffer.from(proof.map((byte, index) => byte ^ signature[index]!))
    if (!timingSafeEqual(createHash(hash).update(clientKey).digest(), stored)) return 'refused'
    const answer = `v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`
    return { user, last: Buffer.from(answer) }
  }

  return (token) => {
    const text = Buffer.from(token).toString('utf8')
    return first === '' ? open(text) : prove(text)
  }
}

function fieldsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split(',').map((field) => [field.slice(0, 1), field.slice(2)]))
}
