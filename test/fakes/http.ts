import type { Request, Response, Route } from '../../src/http/route.ts'

/** A request as a route gets it, without a socket. */
export function fakeRequest(url: string, more: Partial<Request> = {}): Request {
  const [path = '', query = ''] = url.split('?')
  return {
    method: 'GET',
    path,
    query: new URLSearchParams(query),
    headers: {},
    params: {},
    body: async () => Buffer.alloc(0),
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
    ...more,
  }
}

/** Asks the route that has the path of the URL, or the only one. */
export async function ask(
  routes: Route | readonly Route[],
  url: string,
  more: Partial<Request> = {},
): Promise<Response> {
  const request = fakeRequest(url, more)
  const all = 'handle' in routes ? [routes] : routes
  const route = all.find(({ path }) => path === request.path) ?? all[0]!
  return route.handle(request)
}

export async function bytesOf({ body }: Response): Promise<Buffer> {
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function textOf(response: Response): Promise<string> {
  return (await bytesOf(response)).toString()
}
