const limitMs = 90_000

export interface Requests {
  /** Sends a request and settles with the fields of its answer. @throws Error with what Java said */
  ask(send: (line: string) => void, command: string, fields: readonly string[]): Promise<readonly string[]>
  /** Takes one line of standard output. */
  answer(line: string): void
  /** Rejects what is unanswered. */
  fail(reason: string): void
}

interface Waiting {
  readonly settle: (fields: readonly string[]) => void
  readonly refuse: (error: Error) => void
}

/** Our end of the lines that `java/Rig.java` reads and writes; the format is described there. */
export function createRequests(): Requests {
  const waiting = new Map<string, Waiting>()
  let last = 0
  return {
    ask: async (send, command, fields) => {
      const number = String(++last)
      const answered = new Promise<readonly string[]>((settle, refuse) => {
        waiting.set(number, { settle, refuse })
      })
      const timer = setTimeout(() => {
        waiting.get(number)?.refuse(new Error(`Ask rig client "${command}": no answer in ${limitMs} ms`))
      }, limitMs)
      try {
        send([number, command, ...fields].join('\t'))
        return await answered
      } catch (cause) {
        throw new Error(`Ask rig client "${command}": ${cause instanceof Error ? cause.message : cause}`, { cause })
      } finally {
        clearTimeout(timer)
        waiting.delete(number)
      }
    },
    answer: (line) => {
      const [number = '', state, ...fields] = line.split('\t')
      if (state === 'OK') waiting.get(number)?.settle(fields.length === 1 && fields[0] === '' ? [] : fields)
      else waiting.get(number)?.refuse(new Error(decodeText(fields[0] ?? '')))
    },
    fail: (reason) => {
      for (const { refuse } of waiting.values()) refuse(new Error(reason))
    },
  }
}

/** A string as one field: base64 of UTF-8, so that it may hold tabs, line ends and NUL. */
export function encodeText(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}

/** @see encodeText */
export function decodeText(field: string): string {
  return Buffer.from(field, 'base64').toString('utf8')
}
