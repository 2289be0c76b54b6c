/** HTML that is safe to send: only `html` makes it. */
class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** The address of a link: only `linkTo` makes it. */
class SafeUrl {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

export type { Html, SafeUrl }

/** What may stand in a template: text is escaped, lists are written one after another, `undefined` is nothing. */
export type Content = Html | SafeUrl | string | number | bigint | undefined | readonly Content[]

/**
 * A template of HTML in which every value is escaped. A value may stand between tags or in a quoted attribute; in `href`
 * it must come from `linkTo`.
 *
 * @throws TypeError when a value stands where escaping does not help: unquoted, in a script, a style, or an event handler.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  const places = placesIn(strings)
  let text = strings[0] ?? ''
  for (const [index, value] of values.entries()) {
    if (places[index] === 'url' && !(value instanceof SafeUrl))
      throw new TypeError('Write link: a value, expected linkTo()')
    text += write(value) + (strings[index + 1] ?? '')
  }
  return new Html(text)
}

/** A link inside this site, or to http or https elsewhere; undefined for everything else, such as `javascript:`. */
export function linkTo(target: string, query: Readonly<Record<string, string>> = {}): SafeUrl | undefined {
  const search = new URLSearchParams(query).toString()
  const full = search === '' ? target : `${target}?${search}`
  // Resolved as a browser would: what leaves the base by another scheme or host shows it here.
  const url = URL.canParse(full, 'http://base.invalid/') ? new URL(full, 'http://base.invalid/') : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined
  if (url.username !== '' || url.password !== '') return undefined
  if (url.host !== 'base.invalid') return /^https?:\/\//i.test(target) ? new SafeUrl(url.href) : undefined
  return new SafeUrl(full)
}

/** Text for between tags or within quotes. Characters that would change what the text around them looks like are shown. */
export function escapeText(text: string): string {
  return text.replace(active, (character) => entities[character] ?? '').replace(hidden, shown)
}

const active = /[&<>"'`]/g
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/** Control characters but for tab and line end, marks that turn the direction of text, and half characters. */
const hidden = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu

function shown(character: string): string {
  if (character === '\t' || character === '\n') return character
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

function write(value: Content): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'object' && !(value instanceof SafeUrl)) return value.map(write).join('')
  return escapeText(value.toString())
}

type Place = 'text' | 'attribute' | 'url'

const known = new WeakMap<TemplateStringsArray, readonly Place[]>()

/** Where each value of a template stands; found once a template. */
function placesIn(strings: TemplateStringsArray): readonly Place[] {
  const found =
    known.get(strings) ?? strings.slice(0, -1).map((_, index) => placeAfter(strings.slice(0, index + 1).join('x')))
  known.set(strings, found)
  return found
}

function placeAfter(before: string): Place {
  const tag = /<[^<>]*$/.exec(before)?.[0]
  if (tag === undefined) {
    if (/<(script|style|textarea|title|iframe|noscript|template)\b[^>]*>(?!.*<\/\1)/is.test(before))
      throw new TypeError('Write HTML: a value inside of an element that is not plain text')
    return 'text'
  }
  const attribute = /\s([a-z-]+)="[^"]*$/.exec(tag)?.[1]
  if (attribute === undefined || /^(on.*|style|src|srcset|srcdoc|action|formaction)$/.test(attribute))
    throw new TypeError('Write HTML: a value inside of a tag, expected it in a quoted attribute that runs nothing')
  return attribute === 'href' ? 'url' : 'attribute'
}
