import { breather } from '../runtime/breathe.ts'
import { UnavailableError } from '../runtime/errors.ts'
import { encoded, type RestHttp, refusal } from './rest-http.ts'
import { metricName, metricValue, readList } from './rest-shapes.ts'

/** Flink takes 4,096 bytes for method, path and version (netty's HttpServerCodec). */
const mostPath = 3_500
/** The names of 1,000 subtasks with 100 metrics each fit in. */
const mostListBytes = 16 * 1024 * 1024

/**
 * Values of those metrics of a vertex that are wanted, by id; what is no finite number is left out.
 *
 * @throws UnavailableError when the list or a batch of values cannot be read
 */
export async function readVertexMetrics(
  http: RestHttp,
  job: string,
  vertex: string,
  wanted: (id: string) => boolean,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const path = `/jobs/${encoded(job) ?? ''}/vertices/${encoded(vertex) ?? ''}/metrics`
  const names = await readAll(http, path, metricName, signal, mostListBytes)
  const ids: string[] = []
  const breathe = breather()
  for (const [index, { id }] of names.entries()) {
    if (wanted(id)) ids.push(id)
    if (index % 1_000 === 999) await breathe()
  }
  const values = new Map<string, number>()
  for (const batch of metricPaths(path, ids)) {
    for (const { id, value } of await readAll(http, batch, metricValue, signal)) {
      const number = value.trim() === '' ? Number.NaN : Number(value)
      if (Number.isFinite(number)) values.set(id, number)
    }
  }
  return values
}

/**
 * Paths that ask for all of these ids, as few as fit under the limit of a request line. An id that does not fit alone
 * cannot be asked for.
 */
export function metricPaths(path: string, ids: readonly string[]): readonly string[] {
  const paths: string[] = []
  let current = ''
  for (const id of ids) {
    const name = encoded(id)
    // The comma separates; Flink writes none in its ids.
    if (name === undefined || id.includes(',') || path.length + '?get='.length + name.length > mostPath) continue
    if (current !== '' && current.length + 1 + name.length > mostPath) {
      paths.push(current)
      current = ''
    }
    current = current === '' ? `${path}?get=${name}` : `${current},${name}`
  }
  return current === '' ? paths : [...paths, current]
}

async function readAll<T>(
  http: RestHttp,
  path: string,
  schema: Parameters<typeof readList<T>>[2],
  signal: AbortSignal,
  mostBytes?: number,
): Promise<readonly T[]> {
  const answer = await http.json(path, signal, mostBytes)
  const what = `Read ${http.url}${path.slice(0, 200)}`
  if (answer.status !== 200) throw refusal(what, answer)
  const list = await readList(answer.value, 'Metric', schema)
  if (list === undefined) throw new UnavailableError(`${what}: there is no list of metrics`)
  return list.elements
}
