import { ConflictError, DecodeError, describeError, InvariantError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { Refusal, type Request, type Response, type Route, refuse } from './route.ts'

/**
 * The answer of a route, whatever it throws. What is our own fault is logged, and its text stays with us.
 *
 * @throws InvariantError as it comes: it ends the process
 */
export async function answer(
  route: Pick<Route, 'path' | 'handle'>,
  request: Request,
  logger: Logger,
): Promise<Response> {
  try {
    return await route.handle(request)
  } catch (error) {
    if (error instanceof InvariantError) throw error
    const known = refusalOf(error)
    if (known !== undefined) return known
    logger.error({ method: request.method, path: route.path, error: describeError(error) }, 'Request failed')
    return refuse(500, 'Internal error')
  }
}

/** The answer to what a route threw; undefined when that was our own fault. */
export function refusalOf(error: unknown): Response | undefined {
  if (error instanceof Refusal) return refuse(error.status, error.message, error.details, error.headers)
  if (error instanceof ConflictError) return refuse(409, error.message)
  if (error instanceof DecodeError) return refuse(400, error.message)
  if (error instanceof UnavailableError) return refuse(503, error.message, {}, { 'Retry-After': '5' })
  return undefined
}
