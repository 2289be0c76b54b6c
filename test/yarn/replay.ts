import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { type FakeManager, type Reply, startFakeManager } from './fake-manager.ts'

const exchange = z.object({
  url: z.string(),
  status: z.int(),
  contentType: z.string(),
  location: z.string().optional(),
  refresh: z.string().optional(),
  body: z.string(),
})
type Exchange = z.output<typeof exchange>

/** What servers of a real YARN answered at one moment. */
export function readScene(name: string): readonly Exchange[] {
  return z.array(exchange).parse(readJson(name))
}

const moment = exchange.omit({ url: true, status: true }).partial().extend({ atMs: z.int(), status: z.int() })

/** What the standby answered while the active one was frozen; status 0 is no answer within 5 s. */
export function readWatch(name: string): readonly z.output<typeof moment>[] {
  return z.array(moment).parse(readJson(name))
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../fixtures/yarn/${name}.json`, import.meta.url), 'utf8'))
}

interface Said {
  readonly status: number
  readonly contentType?: string | undefined
  readonly location?: string | undefined
  readonly refresh?: string | undefined
  readonly body?: string | undefined
}

export function replyOf(of: Said): Reply {
  return {
    status: of.status,
    type: of.contentType ?? 'text/plain',
    headers: { ...(of.location && { location: of.location }), ...(of.refresh && { refresh: of.refresh }) },
    body: of.body ?? '',
  }
}

/** Serves what one server of the scene answered; what was not asked of it then is 501. */
export function replayServer(scene: readonly Exchange[], port: number): Promise<FakeManager> {
  const answers = new Map(
    scene.filter(({ url }) => new URL(url).port === String(port)).map((one) => [keyOf(one.url), one]),
  )
  return startFakeManager((path) => {
    const found = answers.get(keyOf(path)) ?? answers.get(keyOf(path, true))
    return found === undefined ? { status: 501, type: 'text/plain', body: `not captured: ${path}` } : replyOf(found)
  })
}

/** Whatever the order of the parameters; without what only makes records smaller, if need be. */
function keyOf(url: string, isWhole = false): string {
  const { pathname, searchParams } = new URL(url, 'http://any')
  const parameters = [...searchParams].filter(([name]) => !isWhole || name !== 'deSelects')
  return `${pathname}?${JSON.stringify(parameters.toSorted())}`
}
