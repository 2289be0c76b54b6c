import { html, type Route } from './route.ts'

/** The page at `/`; its HTML is made elsewhere. */
export function landingRoute(landing: () => string): Route {
  return { method: 'GET', path: '/', handle: () => html(200, landing()) }
}
