/**
 * What could forge a line, hide or turn text round in a console, or is no text at all: control characters, line and
 * paragraph separators, marks of direction, the byte order mark, lone surrogates, noncharacters.
 */
const forbidden = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\p{Noncharacter_Code_Point}]/u

/** True for text that may become a label value or part of a name. */
export function isPlainText(text: string): boolean {
  // Nearly all text is ASCII, and this is ten times faster.
  return /^[\x20-\x7e]*$/.test(text) || !forbidden.test(text)
}

/** A label name of every Prometheus: 3.x takes more, 2.x refuses the whole list for one that is longer than this. */
export function isLabelName(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)
}
