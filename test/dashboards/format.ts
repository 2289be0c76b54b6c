/** A value as Grafana would write it, about: enough for a picture. */
export function format(value: number, unit: string): string {
  switch (unit) {
    case 's':
      return duration(value)
    case 'percentunit':
      return `${rounded(value * 100)} %`
    case 'bytes':
      return scaled(value, 1_024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'])
    case 'recps':
      return `${short(value)} rec/s`
    case 'reqps':
      return `${short(value)} req/s`
    case 'cps':
      return `${short(value)} c/s`
    case 'locale':
      return Math.round(value).toLocaleString('en-US')
    default:
      return unit === 'short' ? short(value) : rounded(value)
  }
}

function short(value: number): string {
  return scaled(value, 1_000, ['', 'K', 'Mil', 'Bil'])
}

function scaled(value: number, base: number, names: readonly string[]): string {
  let [size, step] = [Math.abs(value), 0]
  for (; size >= base && step < names.length - 1; step++) size /= base
  return `${value < 0 ? '-' : ''}${rounded(size)}${names[step] === '' ? '' : ` ${names[step]}`}`
}

function duration(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const
  const [size, name] = units.find(([size]) => Math.abs(seconds) >= size) ?? [1, 's']
  return `${rounded(seconds / size)} ${name}`
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)))
}
