/** What a reporter takes when nothing is configured. */
export const defaultReporterPort = 9249

/** More are refused: every one of them may be probed on every host. */
const mostPorts = 1_000

/** What a text of ports must look like, for the message about one that is wrong: `expected …`. */
export const reporterPortsRule = `ports from 1 to 65535 and ranges of them such as "9249" or "9249,9260-9270", ${mostPorts} at most`

/**
 * Ports of `9249`, `9250-9260` or `9249,9260-9270` in the order in which Flink tries them, each once; undefined when the
 * text is none of these, or means more than 1,000 ports.
 *
 * @see NetUtils.getPortRangeFromString in Flink
 */
export function parseReporterPorts(text: string): readonly number[] | undefined {
  const ports = new Set<number>()
  for (const part of text.split(',')) {
    const found = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(part)
    if (found === null) return undefined
    const first = Number(found[1])
    const last = Number(found[2] ?? found[1])
    if (first < 1 || last > 65_535 || first > last || last - first >= mostPorts) return undefined
    for (let port = first; port <= last; port++) ports.add(port)
    if (ports.size > mostPorts) return undefined
  }
  return [...ports]
}
