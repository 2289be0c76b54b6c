import { parsed } from '../config/text-options.ts'
import { parseReporterPorts, reporterPortsRule } from '../flink/reporter-ports.ts'

/** The option `reporter_ports`; its value is the list of ports, in the order in which Flink tries them. */
export function reporterPortsOption() {
  return parsed(reporterPortsRule, parseReporterPorts)
}

/** A URL of a REST service: http or https, perhaps with a path; its value has no slash at its end. */
export function restUrl(example: string) {
  return parsed(`a URL such as "${example}"`, (value) => {
    if (!URL.canParse(value)) return undefined
    const { protocol, search, hash } = new URL(value)
    return /^https?:$/.test(protocol) && search === '' && hash === '' ? value.replace(/\/+$/, '') : undefined
  })
}
