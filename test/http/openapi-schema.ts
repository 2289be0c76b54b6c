/** A JSON schema as it stands in `docs/openapi.yaml`. */
export type Schema = Readonly<Record<string, unknown>>

/** Finds what `#/components/…` stands for. */
export type Resolve = (reference: string) => Schema

type Check = (value: unknown, rule: unknown, schema: Schema, at: string, resolve: Resolve) => readonly string[]

/**
 * What is wrong with a value, one sentence each; empty when it fits. Knows the words that our own file uses, and throws
 * at any other: a rule with a spelling mistake must not pass everything.
 *
 * @see https://json-schema.org/draft/2020-12/json-schema-validation
 */
export function schemaProblems(value: unknown, schema: Schema, resolve: Resolve, at = ''): readonly string[] {
  return Object.entries(schema).flatMap(([word, rule]) => {
    const check = checks[word]
    if (check === undefined) throw new Error(`Schema word "${word}": not known, expected one of ${Object.keys(checks)}`)
    return check(value, rule, schema, at, resolve)
  })
}

const fits = (): readonly string[] => []

const checks: Readonly<Record<string, Check>> = {
  description: fits,
  default: fits,
  $ref: (value, rule, _schema, at, resolve) => schemaProblems(value, resolve(String(rule)), resolve, at),
  type: (value, rule, _schema, at) =>
    say(
      at,
      value,
      list(rule).some((type) => isOfType(value, type)),
      `type ${rule}`,
    ),
  enum: (value, rule, _schema, at) => say(at, value, list(rule).includes(value), `one of ${rule}`),
  const: (value, rule, _schema, at) => say(at, value, value === rule, JSON.stringify(rule)),
  format: (value, rule, _schema, at) =>
    say(at, value, rule !== 'date-time' || new Date(String(value)).toJSON() === value, `a ${rule}`),
  pattern: (value, rule, _schema, at) =>
    say(at, value, typeof value !== 'string' || new RegExp(String(rule), 'u').test(value), `to match ${rule}`),
  minLength: (value, rule, _schema, at) => say(at, value, lengthOf(value) >= Number(rule), `${rule} characters`),
  maxLength: (value, rule, _schema, at) =>
    say(at, value, typeof value !== 'string' || lengthOf(value) <= Number(rule), `at most ${rule} characters`),
  minimum: (value, rule, _schema, at) =>
    say(at, value, typeof value !== 'number' || value >= Number(rule), `at least ${rule}`),
  maximum: (value, rule, _schema, at) =>
    say(at, value, typeof value !== 'number' || value <= Number(rule), `at most ${rule}`),
  minItems: (value, rule, _schema, at) =>
    say(at, value, !Array.isArray(value) || value.length >= Number(rule), `${rule} items`),
  maxItems: (value, rule, _schema, at) =>
    say(at, value, !Array.isArray(value) || value.length <= Number(rule), `at most ${rule} items`),
  maxProperties: (value, rule, _schema, at) =>
    say(at, value, keysOf(value).length <= Number(rule), `at most ${rule} members`),
  required: (value, rule, _schema, at) =>
    list(rule).flatMap((name) => say(`${at}.${name}`, undefined, !isObject(value) || String(name) in value, 'a value')),
  properties: (value, rule, _schema, at, resolve) =>
    Object.entries(Object(rule)).flatMap(([name, schema]) =>
      isObject(value) && name in value ? schemaProblems(value[name], Object(schema), resolve, `${at}.${name}`) : [],
    ),
  additionalProperties: (value, rule, schema, at, resolve) =>
    keysOf(value)
      .filter((name) => !(name in Object(schema['properties'])))
      .flatMap((name) =>
        rule === false
          ? say(`${at}.${name}`, name, false, 'no such member')
          : schemaProblems(Object(value)[name], Object(rule), resolve, `${at}.${name}`),
      ),
  propertyNames: (value, rule, _schema, at, resolve) =>
    keysOf(value).flatMap((name) => schemaProblems(name, Object(rule), resolve, `${at} (name)`)),
  items: (value, rule, _schema, at, resolve) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => schemaProblems(item, Object(rule), resolve, `${at}[${index}]`))
      : [],
  allOf: (value, rule, _schema, at, resolve) =>
    list(rule).flatMap((one) => schemaProblems(value, Object(one), resolve, at)),
  anyOf: (value, rule, _schema, at, resolve) => {
    const tried = list(rule).map((one) => schemaProblems(value, Object(one), resolve, at))
    return tried.some((problems) => problems.length === 0) ? [] : tried.flat()
  },
}

function say(at: string, value: unknown, isRight: boolean, expected: string): readonly string[] {
  return isRight ? [] : [`${at || 'body'}: ${JSON.stringify(value)?.slice(0, 120)}, expected ${expected}`]
}

function list(rule: unknown): readonly unknown[] {
  return Array.isArray(rule) ? rule : [rule]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function keysOf(value: unknown): readonly string[] {
  return isObject(value) ? Object.keys(value) : []
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? [...value].length : Number.POSITIVE_INFINITY
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'object') return isObject(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'string' || type === 'number' || type === 'boolean') return typeof value === type
  throw new Error(`Schema type "${type}": not known`)
}
