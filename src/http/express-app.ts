import express from 'express'
import { type Response, type Route, refuse } from './route.ts'

/** Serves one request: makes the answer of the route and sends it. Never rejects. */
export type Serve = (
  incoming: express.Request,
  outgoing: express.Response,
  route: Pick<Route, 'path' | 'handle'>,
) => Promise<void>

/**
 * Express finds the route and does nothing else: no ETag, no body parser and no `res.send`, each of which would copy or
 * hash a page of a hundred megabytes. A path with another method gets 405, an unknown path 404, both as JSON.
 */
export function createExpressApp(routes: readonly Route[], serve: Serve): express.Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  const allowed = new Map<string, string>()
  for (const route of routes) {
    const handler: express.RequestHandler = (incoming, outgoing) => serve(incoming, outgoing, route)
    if (route.method === 'GET') app.get(route.path, handler)
    else if (route.method === 'PUT') app.put(route.path, handler)
    else if (route.method === 'POST') app.post(route.path, handler)
    else app.delete(route.path, handler)
    const others = allowed.get(route.path)
    const methods = route.method === 'GET' ? 'GET, HEAD' : route.method
    allowed.set(route.path, others === undefined ? methods : `${others}, ${methods}`)
  }
  for (const [path, methods] of allowed) {
    const handle = (): Response => refuse(405, `Method: expected ${methods}`, {}, { Allow: methods })
    app.all(path, (incoming, outgoing) => serve(incoming, outgoing, { path, handle }))
  }
  const hint = `There are: ${[...allowed.keys()].join(' ')}`
  app.use((incoming, outgoing) => {
    const handle = (): Response => refuse(404, `No such path "${incoming.path.slice(0, 200)}"`, { hint })
    return serve(incoming, outgoing, { path: incoming.path, handle })
  })
  // Four parameters make it the handler of errors: the only one there can be is a path that cannot be decoded.
  app.use((_error: unknown, incoming: express.Request, outgoing: express.Response, _next: express.NextFunction) => {
    const handle = (): Response => refuse(400, 'Path: not a valid URL encoding')
    return serve(incoming, outgoing, { path: incoming.path, handle })
  })
  return app
}
