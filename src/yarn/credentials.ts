import { UnavailableError } from '../runtime/errors.ts'
import { headersFromCommand } from './header-command.ts'

/** How we say who we are. `simple` is believed by clusters without Kerberos; a command is for those with it. */
export type YarnAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'simple'; readonly user: string }
  | { readonly kind: 'command'; readonly command: readonly string[] }

type Headers = Readonly<Record<string, string>>

/** What is sent to a server once. */
interface Shown {
  readonly headers: Headers
  /** They were used before, so that a refusal may only mean that they are old. */
  readonly used: boolean
  /** The server refused them: the command is run again, unless they have been replaced already. */
  refused(): void
}

export interface Credentials {
  /** Parameters of every request. */
  readonly query: Readonly<Record<string, string>>
  /** @throws UnavailableError when there are none */
  show(origin: string, signal: AbortSignal): Promise<Shown>
  /** What a server answered with may be what it wants to see next time. */
  answered(origin: string, setCookie: readonly string[]): void
}

/** The ticket that Hadoop gives whoever has proven who he is; RFC 6265 allows the quotes around its value. */
const ticket = /^hadoop\.auth=("?[^";\s]+"?)(?:;|$)/

/** What the command printed for a server, and the ticket that the server gave for it. */
interface Kept {
  readonly headers: Headers
  readonly cookie?: string
}

const nothing: Shown = { headers: {}, used: false, refused: () => undefined }

/**
 * The command is run once for each server and again only after a refusal: what it makes is kept. A Negotiate token is
 * good for one request, so the cookie that comes back for it is sent in its place from then on.
 */
export function createCredentials(auth: YarnAuth): Credentials {
  if (auth.kind !== 'command')
    return {
      query: auth.kind === 'simple' ? { 'user.name': auth.user } : {},
      show: () => Promise.resolve(nothing),
      answered: () => undefined,
    }
  const kept = new Map<string, Kept>()
  const running = new Map<string, Promise<Kept>>()
  const { command } = auth

  async function make(origin: string, signal: AbortSignal): Promise<Kept> {
    try {
      const made = { headers: await headersFromCommand(command, origin, signal) }
      kept.set(origin, made)
      return made
    } finally {
      running.delete(origin)
    }
  }

  function shown(origin: string, what: Kept, used: boolean): Shown {
    return {
      headers: withTicket(what),
      used,
      refused: () => {
        if (kept.get(origin) === what) kept.delete(origin)
      },
    }
  }

  return {
    query: {},
    show: async (origin, signal) => {
      const have = kept.get(origin)
      if (have !== undefined) return shown(origin, have, true)
      const run = running.get(origin)
      if (run !== undefined) {
        try {
          return shown(origin, await run, true)
        } catch (error) {
          if (signal.aborted || error instanceof UnavailableError) throw error
          // It was another's, and stopped with it.
        }
      }
      const started = make(origin, signal)
      running.set(origin, started)
      return shown(origin, await started, false)
    },
    answered: (origin, setCookie) => {
      const have = kept.get(origin)
      const value = setCookie.map((line) => ticket.exec(line)?.[1]).find((one) => one !== undefined && one !== '""')
      if (have !== undefined && value !== undefined) kept.set(origin, { ...have, cookie: `hadoop.auth=${value}` })
    },
  }
}

function withTicket({ headers, cookie }: Kept): Headers {
  if (cookie === undefined) return headers
  const { authorization: _spent, cookie: own = '', ...others } = headers
  const rest = own.split(/;\s*/).filter((one) => one !== '' && !one.startsWith('hadoop.auth='))
  return { ...others, cookie: [...rest, cookie].join('; ') }
}
