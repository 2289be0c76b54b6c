/** One sample of a page as a reader of the format sees it. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: string
}

/**
 * A small reader of the text format 0.0.4, strict where Prometheus is: it throws on whatever would cost the target all
 * its samples, and on a family whose lines do not stand together behind one HELP and one TYPE.
 */
export function parsePage(bytes: Uint8Array): Sample[] {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  if (text !== '' && !text.endsWith('\n')) throw new Error('Page does not end with a newline')
  const samples: Sample[] = []
  const heads = new Set<string>()
  let family = ''
  for (const line of text.split('\n').slice(0, -1)) {
    const head = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line)
    if (head !== null) {
      const [, kind, name = ''] = head
      if (heads.has(`${kind} ${name}`)) throw new Error(`${kind} of ${name} twice`)
      heads.add(`${kind} ${name}`)
      family = name
    } else {
      const sample = parseLine(line)
      if (sample.name !== family) throw new Error(`Sample of ${sample.name} among those of ${family}`)
      samples.push(sample)
    }
  }
  return samples
}

function parseLine(line: string): Sample {
  const whole = /^([a-z_]+)\{(.*)\} (\d+(?:\.\d+)?)$/su.exec(line)
  if (whole === null) throw new Error(`Line does not parse: ${line}`)
  const [, name = '', inside = '', value = ''] = whole
  const labels: Record<string, string> = {}
  let rest = inside
  while (rest !== '') {
    const pair = /^([a-z_]+)="((?:[^"\\]|\\["\\n])*)"(,|$)/su.exec(rest)
    if (pair === null) throw new Error(`Labels do not parse: ${rest}`)
    const [all, label = '', escaped = ''] = pair
    if (label in labels) throw new Error(`Label ${label} twice: ${line}`)
    labels[label] = escaped.replace(/\\(.)/gsu, (_, special: string) => (special === 'n' ? '\n' : special))
    rest = rest.slice(all.length)
  }
  return { name, labels, value }
}
