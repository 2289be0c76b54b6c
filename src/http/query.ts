import { Refusal } from './route.ts'

/**
 * The parameters of a query as a plain record, those not given left out.
 *
 * @throws Refusal 400 for a parameter that does not exist, or that comes twice.
 */
export function readQuery<Name extends string>(
  query: URLSearchParams,
  names: readonly Name[],
): { readonly [name in Name]?: string } {
  const found: { [name in Name]?: string } = {}
  for (const given of query.keys()) {
    const name = names.find((known) => known === given)
    if (name === undefined) throw badParameter(given, query.get(given) ?? '', `one of ${names.join(', ')}`)
    if (found[name] !== undefined) throw badParameter(given, query.getAll(given).join('", "'), 'one value')
    found[name] = query.get(given) ?? ''
  }
  return found
}

/** @throws Refusal 400 when the value is not a whole number from `min` to `max`. */
export function wholeNumber(name: string, value: string, min: number, max: number): number {
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return number
  throw badParameter(name, value, `a whole number from ${min} to ${max}`)
}

export function badParameter(name: string, value: string, expected: string): Refusal {
  return new Refusal(400, `Query parameter ${name}: "${value}", expected ${expected}`, {
    parameter: name,
    value,
    expected,
  })
}
