/** The tags of a document with the names of their attributes, and nothing of what is written in them. */
export function skeleton(document: string): string[] {
  return [...document.matchAll(/<(\/?[a-z!][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/gi)].map(
    ([, tag, attributes = '']) =>
      [tag, ...[...attributes.matchAll(/([a-z-]+)(?:="[^"]*")?/gi)].map(([, name]) => name)].join(' '),
  )
}
