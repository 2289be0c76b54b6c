import { breather, runInTurns } from '../runtime/breathe.ts'
import { jsonElements } from '../targets/json-elements.ts'
import { Refusal, type Request } from './route.ts'

/**
 * The body of a request as text.
 *
 * @throws Refusal 415 when it is not declared as JSON or is compressed, 413 when it is too long, 400 when it is not UTF-8
 */
export async function readJsonText(request: Request, maxBytes: number): Promise<string> {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(type))
    throw new Refusal(415, `Content-Type "${type}": expected application/json`)
  const encoding = request.headers['content-encoding'] ?? 'identity'
  // A compressed body may be a thousand times as long as it looks, and none of ours is long.
  if (encoding.trim().toLowerCase() !== 'identity')
    throw new Refusal(
      415,
      `Content-Encoding "${encoding.slice(0, 64)}": expected none`,
      {},
      { 'Accept-Encoding': 'identity' },
    )
  const bytes = await request.body(maxBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Refusal(400, `Body: not UTF-8 (${String(cause)})`)
  }
}

/** @throws Refusal 400 when it is not JSON */
export function parseJson(text: string, what = 'Body'): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Refusal(400, `${what}: not JSON (${error instanceof Error ? error.message : String(error)})`)
  }
}

/** An element is parsed at once, and nobody else has a turn meanwhile. */
const mostElementLength = 64 * 1024

/**
 * The elements of a JSON array, parsed one by one with room for others in between.
 *
 * @throws Refusal 400 when it is not a JSON array, 413 when an element is longer than a registration may be
 */
export async function* readJsonList(text: string): AsyncGenerator<unknown> {
  const elements = await runInTurns(jsonElements(text))
  if ('broken' in elements) throw new Refusal(400, `Body: not a JSON array (${elements.broken})`)
  const breathe = breather()
  for (const [index, element] of elements.entries()) {
    if (element.length > mostElementLength)
      throw new Refusal(
        413,
        `Body, element ${index}: ${element.length} characters, expected at most ${mostElementLength}`,
      )
    yield parseJson(element, `Body, element ${index}`)
    await breathe()
  }
}
