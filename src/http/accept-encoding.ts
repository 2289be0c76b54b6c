/**
 * True when an answer may be gzipped. Whatever cannot be read counts as a no, because the plain answer suits everybody.
 *
 * @see RFC 9110, section 12.5.3
 */
export function acceptsGzip(header: string | undefined): boolean {
  const qualities = new Map<string, number>()
  for (const entry of (header ?? '').toLowerCase().split(',')) {
    const [coding = '', ...parameters] = entry.split(';').map((part) => part.trim())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    qualities.set(coding, quality === undefined ? 1 : Number(quality.slice(2)))
  }
  const found = qualities.get('gzip') ?? qualities.get('x-gzip') ?? qualities.get('*') ?? 0
  return found > 0
}
