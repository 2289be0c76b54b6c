/**
 * The tables that a node of a plan reads, each as often as it is scanned there, as `catalog.database.table`. The text
 * is that of the version: 1.8 to 1.10 (and table sources of their time later on) have
 * `SourceConversion(table=[cat.db.t, source: [KafkaTableSource(…)]]`, 1.11 on has `TableSourceScan(table=[[cat, db, t, …]]`,
 * and the Kafka tables of 1.14 `Source: KafkaSource-cat.db.t`. The old planner of 1.8 writes no name of a table.
 */
export function scannedTables(description: string): readonly string[] {
  return [
    ...after(description, 'TableSourceScan(table=[[').map(listed),
    ...after(description, 'SourceConversion(table=[').map(converted),
    ...after(description, 'Source: KafkaSource-').map(named),
  ].filter((table) => table !== undefined)
}

/** True for a node that says of itself that it reads Kafka. What a TableSourceScan reads it does not say. */
export function namesKafka(description: string): boolean {
  return /Source: [^\n]{0,200}Kafka|KafkaTableSource\(|Kafka01\dTableSource\(/.test(description)
}

/** Longest piece that is looked at: three names of 255 characters, and something. */
const LONGEST = 1_000

function after(text: string, mark: string): readonly string[] {
  const found: string[] = []
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length))
    found.push(text.slice(at + mark.length, at + mark.length + LONGEST))
  return found
}

/** `cat, db, t]], …` or `cat, db, t, filter=[…]]]`; what comes behind the third name is about columns and rows. */
function listed(text: string): string | undefined {
  const [, catalog, database, table] = /^([^\],]+), ([^\],]+), ([^\],]+)[\],]/.exec(text) ?? []
  return table === undefined ? undefined : `${catalog}.${database}.${table}`
}

/** `cat.db.t, source: [`. Without a source it is the conversion of a stream, which reads nothing itself. */
function converted(text: string): string | undefined {
  return /^([^\],]+), source: \[/.exec(text)?.[1]
}

/** `cat.db.t -> …`. Somebody's own name may begin so too, but has hardly two dots. */
function named(text: string): string | undefined {
  const name = text.split(/ -> |\n/, 1)[0]!
  return /^[^.]+\..+\../.test(name) ? name : undefined
}
