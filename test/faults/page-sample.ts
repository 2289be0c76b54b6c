import { parsePage, type Sample } from '../../bench/conformance/page.ts'

/** The page of metrics of a daemon at `url`. */
export async function samplesOf(url: string): Promise<readonly Sample[]> {
  const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) })
  return parsePage(await answer.text())
}

/** The value of the first sample with that name and those labels among its own; undefined without one. */
export async function sampleValue(
  url: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const found = (await samplesOf(url)).find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
  return found?.value
}
