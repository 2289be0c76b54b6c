import type { Changes } from './changes.ts'
import { json, type Route, refuse } from './route.ts'

/** What came of a reload: the names of the services that were started, stopped or replaced, or why nothing changed. */
export type Reloaded = { readonly changed: readonly string[] } | { readonly problems: readonly string[] }

export interface ReloadDeps {
  readonly changes: Pick<Changes, 'run'>
  readonly reload: () => Promise<Reloaded>
}

/** `POST /-/reload`: the configuration is read again. 500 as in Prometheus when it is not valid; the old one then stays. */
export function reloadRoute({ changes, reload }: ReloadDeps): Route {
  return {
    method: 'POST',
    path: '/-/reload',
    handle: (request) =>
      changes.run(request, { verb: 'reload' }, async (_caller, note) => {
        const done = await reload()
        if ('problems' in done)
          return refuse(500, 'Configuration not reloaded, the old one stays', { problems: done.problems })
        note({ outcome: done.changed.length === 0 ? 'nothing to restart' : `restarted ${done.changed.join(', ')}` })
        return json(200, { reloaded: true, changed: done.changed })
      }),
  }
}
