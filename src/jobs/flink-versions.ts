/**
 * The last day on which each minor version of Flink was supported. The community supports the present and the previous
 * minor version, so a version ends when the second after it comes out; 1.20 is the last of 1.x and has two years more,
 * here from 2.0 on. Days are those of the release archive.
 *
 * @see https://flink.apache.org/downloads/#update-policy-for-old-releases
 * @see https://cwiki.apache.org/confluence/display/FLINK/FLIP-458%3A+Long-Term+Support+for+the+Final+Release+of+Apache+Flink+1.x+Line
 */
export const flinkSupport: ReadonlyMap<string, string> = new Map([
  ['1.8', '2020-02-11'],
  ['1.9', '2020-07-06'],
  ['1.10', '2020-12-08'],
  ['1.11', '2021-04-30'],
  ['1.12', '2021-09-29'],
  ['1.13', '2022-05-05'],
  ['1.14', '2022-10-28'],
  ['1.15', '2023-03-23'],
  ['1.16', '2023-10-24'],
  ['1.17', '2024-03-18'],
  ['1.18', '2024-08-02'],
  ['1.19', '2025-03-24'],
  ['1.20', '2027-03-24'],
  ['2.0', '2025-12-04'],
  ['2.1', '2026-06-22'],
])

/** `1.20.5` as [1, 20]; undefined for what is no version. */
export function minorVersion(version: string): readonly [major: number, minor: number] | undefined {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})(?!\d)/.exec(version) ?? []
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)]
}
