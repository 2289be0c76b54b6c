/**
 * The same text in memory of its own. What is cut out of a text is a view of it and keeps all of it: a name that was read
 * from a page would keep the 64 KiB in which it came.
 */
export function ownText(text: string): string {
  return String(JSON.parse(JSON.stringify(text)))
}
