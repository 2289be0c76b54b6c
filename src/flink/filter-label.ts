/**
 * A name or label value as Flink's Prometheus reporter prints it: every character outside `[a-zA-Z0-9:_]` becomes `_`
 * (UTF-16 units, as Java counts them). Values only while `filterLabelValueCharacters` is not `false`.
 */
export function filterLabel(text: string): string {
  return text.replace(/[^a-zA-Z0-9:_]/g, '_')
}

/** A part of a metric id as Flink's REST writes it: blank, dot, colon and comma become `_`; dashes and brackets stay. */
export function filterRestName(text: string): string {
  return text.replace(/[ .:,]/g, '_')
}
