/** Why Prometheus 2.42 would refuse an http_sd answer, written from its documentation and not from our code. */
export function whatPrometheusRefuses(body: Uint8Array): readonly string[] {
  const refused: string[] = []
  let text: string
  let list: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
    list = JSON.parse(text)
  } catch (error) {
    return [`whole list: ${String(error)}`]
  }
  if (!Array.isArray(list)) return ['whole list: no array']
  for (const [index, group] of list.entries()) {
    const at = `group ${index}`
    if (typeof group !== 'object' || group === null || Array.isArray(group)) {
      refused.push(`${at}: no object`)
      continue
    }
    for (const key of Object.keys(group)) if (!['targets', 'labels'].includes(key)) refused.push(`${at}: key "${key}"`)
    const { targets, labels } = group
    if (!Array.isArray(targets) || targets.length === 0) refused.push(`${at}: no targets`)
    else for (const one of targets) refused.push(...addressTroubles(one).map((trouble) => `${at}: ${trouble}`))
    for (const [name, value] of Object.entries(Object(labels)))
      refused.push(...labelTroubles(name, value).map((trouble) => `${at}: ${trouble}`))
  }
  // Go's decoder reads what JSON.parse reads, but a lone surrogate becomes U+FFFD there, which is another label.
  if (/\\u[dD][89a-fA-F]/.test(text)) refused.push('whole list: escaped surrogate')
  return refused
}

function addressTroubles(address: unknown): string[] {
  if (typeof address !== 'string') return ['address is no text']
  const match = /^(?:\[([0-9a-f:.]+)\]|([^[\]:/\s@]+)):(\d+)$/.exec(address)
  if (match === null || address.includes('/')) return [`address ${JSON.stringify(address)}`]
  return Number(match[3]) > 0 && Number(match[3]) < 65_536 ? [] : [`port in ${address}`]
}

const steering = ['__scheme__', '__metrics_path__', '__lagkeeper_incarnation__']

function labelTroubles(name: string, value: unknown): string[] {
  const troubles: string[] = []
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) troubles.push(`label name ${JSON.stringify(name)}`)
  if (typeof value !== 'string') return [...troubles, `label ${name} is no text`]
  if (value === '') troubles.push(`label ${name} is empty`)
  // Whatever else starts with two underscores would steer the scraper: __address__, __scrape_interval__ …
  const isOurs = name.startsWith('__meta_lagkeeper_') || name.startsWith('__param_') || steering.includes(name)
  if (!isOurs) troubles.push(`label ${name} is not ours to give`)
  if (name === '__scheme__' && !['http', 'https'].includes(value)) troubles.push(`scheme ${value}`)
  if (name === '__metrics_path__' && !value.startsWith('/')) troubles.push(`path ${value}`)
  return troubles
}
