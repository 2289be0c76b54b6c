import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type Schema, schemaProblems } from './openapi-schema.ts'

/** An answer as it was seen. */
export interface Exchange {
  /** `PUT /v1/registrations`, the path as in the file. */
  readonly operation: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** `docs/openapi.yaml`, to be held against answers. */
export interface OpenApi {
  /** `GET /metrics` and so on. */
  readonly operations: readonly string[]
  /** `GET /metrics 200` and so on. */
  readonly answers: readonly string[]
  /** What is wrong with an answer; empty when it is as the file says. */
  problems(exchange: Exchange): readonly string[]
  schema(name: string): Schema
  readonly resolve: (reference: string) => Schema
}

const methods = ['get', 'put', 'post', 'delete']

export function readOpenApi(): OpenApi {
  const document: Schema = parse(readFileSync(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8'))

  function resolve(reference: string): Schema {
    const path = reference.split('/').slice(1)
    const found = path.reduce<Schema>((inside, name) => member(inside, name), document)
    if (Object.keys(found).length === 0) throw new Error(`Reference "${reference}": nothing there`)
    return found
  }
  const followed = (object: Schema): Schema => (object['$ref'] === undefined ? object : resolve(String(object['$ref'])))

  const answers = new Map<string, Schema>()
  const operations = Object.entries(member(document, 'paths')).flatMap(([path, item]) =>
    Object.keys(Object(item))
      .filter((word) => methods.includes(word))
      .map((method) => {
        const operation = `${method.toUpperCase()} ${path}`
        for (const [status, response] of Object.entries(member(Object(item), method, 'responses')))
          answers.set(`${operation} ${status}`, followed(Object(response)))
        return operation
      }),
  )

  function problems({ operation, status, headers, text }: Exchange): readonly string[] {
    const answer = answers.get(`${operation} ${status}`)
    if (answer === undefined) return [`${operation}: status ${status} is not in the file`]
    const wrong = Object.entries(member(answer, 'headers')).flatMap(([name, header]) =>
      headerProblems(name, headers.get(name), followed(Object(header))),
    )
    const [type = ''] = (headers.get('content-type') ?? '').split(';')
    const content = member(answer, 'content')
    if (Object.keys(content).length === 0)
      return text === '' ? wrong : [...wrong, `a body of ${text.length} characters`]
    if (content[type] === undefined) return [...wrong, `Content-Type "${type}"`]
    const schema = member(content, type, 'schema')
    return [...wrong, ...schemaProblems(type === 'application/json' ? JSON.parse(text) : text, schema, resolve)]
  }

  function headerProblems(name: string, value: string | null, header: Schema): readonly string[] {
    if (value === null) return header['required'] === true ? [`header ${name}: missing`] : []
    const schema = member(header, 'schema')
    return schemaProblems(schema['type'] === 'integer' ? Number(value) : value, schema, resolve, `header ${name}`)
  }

  return {
    operations,
    answers: [...answers.keys()],
    problems,
    schema: (name) => resolve(`#/components/schemas/${name}`),
    resolve,
  }
}

function member(object: Schema, ...path: readonly string[]): Schema {
  return path.reduce<Schema>((inside, name) => Object(inside[name]), object)
}
