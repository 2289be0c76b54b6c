/** A table for people: a line of column names, then the lines; numbers stand at the right of their column. */
export function textTable(
  columns: readonly string[],
  numbers: ReadonlySet<string>,
  lines: readonly (readonly string[])[],
): string {
  const widths = columns.map((name, index) =>
    lines.reduce((most, line) => Math.max(most, line[index]!.length), name.length),
  )
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) =>
        numbers.has(columns[index]!) ? text.padStart(widths[index]!) : text.padEnd(widths[index]!),
      )
      .join('  ')
      .trimEnd()
  return `${[line(columns), ...lines.map(line)].join('\n')}\n`
}

/** A name may hold any character; what would move the cursor or hide text is shown escaped. */
export function plain(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\]/gu, (char) =>
    char === '\\' ? '\\\\' : `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
