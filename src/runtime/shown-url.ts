/** A URL as it may be told to others: without user and password. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return text
  const url = new URL(text)
  return url.username === '' && url.password === '' ? text : text.replace(/^([^/]*\/\/)[^/]*@/, '$1')
}
