import type { Shape } from '../../src/config/shape.ts'

/** One option of the schema. */
export interface Option {
  /** `kafka[].tls.ca_file` */
  readonly path: string
  readonly shape: Shape
}

/** Every option of a schema in its order, blocks before what is in them. */
export function optionsOf(shape: Shape, path = ''): Option[] {
  if (shape.item !== undefined) return optionsOf(shape.item, `${path}[]`)
  return [...(shape.keys ?? [])].flatMap(([name, member]) => {
    const here = path === '' ? name : `${path}.${name}`
    return [{ path: here, shape: member }, ...optionsOf(member, here)]
  })
}

/** The reference as a Markdown table. */
export function referenceTable(options: readonly Option[]): string {
  const rows = options.map(({ path, shape }) => {
    const cells = [`\`${path}\``, kindOf(shape), defaultOf(path, shape), shape.description ?? '']
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  return ['| option | value | default | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

function kindOf(shape: Shape): string {
  if (shape.words !== undefined) return shape.words.map((word) => `\`${word}\``).join(', ')
  if (shape.hint !== undefined) return shape.hint.secret ? 'secret text' : shape.hint.expected
  if (shape.type !== undefined) return shape.type === 'boolean' ? '`true`, `false`' : 'whole number'
  if (shape.item !== undefined) return shape.item.keys === undefined ? `list: ${kindOf(shape.item)}` : 'list of blocks'
  return 'block'
}

function defaultOf(path: string, shape: Shape): string {
  if (shape.isRequired) return shape.hint?.secret ? `required, or \`${path.split('.').at(-1)}_file\`` : '**required**'
  if (shape.default === undefined || shape.keys !== undefined) return ''
  return `\`${JSON.stringify(shape.default)}\``
}
