import fc from 'fast-check'

/** A body of a registration as people, programs and attackers send it; most values are right, some are anything. */
export function anyBody(): fc.Arbitrary<unknown> {
  return fc.record(
    {
      address: oddly(
        fc.oneof(
          fc.tuple(fc.ipV4(), fc.nat(70_000)).map(([ip, port]) => `${ip}:${port}`),
          fc.tuple(fc.ipV6(), fc.nat(70_000)).map(([ip, port]) => `[${ip}]:${port}`),
          fc.tuple(fc.domain(), fc.nat(70_000)).map(([name, port]) => `${name}:${port}`),
        ),
      ),
      incarnation: oddly(fc.oneof(fc.nat().map(String), fc.uuid(), fc.nat())),
      scheme: oddly(fc.constantFrom('http', 'https')),
      metrics_path: oddly(fc.webPath().map((path) => `/${path}`)),
      params: oddly(fc.dictionary(anyName(), oddly(anyText()), { maxKeys: 4, noNullPrototype: true })),
      labels: oddly(fc.dictionary(anyName(), oddly(anyText()), { maxKeys: 6, noNullPrototype: true })),
      zone: oddly(fc.constantFrom('default', 'dc-1')),
      lease_seconds: oddly(fc.integer({ min: 5, max: 3600 })),
      kind: oddly(anyText()),
      flink_job: oddly(anyText()),
      version: oddly(fc.oneof(anyText(), fc.nat())),
    },
    { requiredKeys: ['address', 'incarnation'] },
  )
}

export function anyIdentity(): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const word = oddly(fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,20}$/))
  return fc.record({ namespace: word, app: oddly(anyText()), role: word, instance: oddly(anyText()) })
}

/** Mostly the given value; now and then anything that JSON can hold. */
function oddly<T>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 40, arbitrary: value }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) })
}

function anyText(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }) },
    { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: 40 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 10 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('"', '\\', '\n', '\0', '\u202e', '\ud800', '{}', '"} or up{x="', '💥', '🏴‍☠️'),
    },
  )
}

function anyName(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 30, arbitrary: fc.stringMatching(/^[a-z_][a-zA-Z0-9_]{0,12}$/) },
    { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
    { weight: 1, arbitrary: fc.constantFrom('__address__', '__proto__', 'job', 'le', 'match[]', 'constructor', '1a') },
  )
}
