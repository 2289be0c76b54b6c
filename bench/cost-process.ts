import { readFileSync } from 'node:fs'
import { request } from 'node:http'

/** Linux counts processor time in hundredths of a second wherever user space can see it. */
const TICKS_A_SECOND = 100

/** Processor time that a process has used so far, in user and kernel, all its threads, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name, in brackets, may hold blanks; user and system time are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

export function peakRssMiB(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1_024
}

/** One scrape, read to its end as it was sent, on a connection of its own. */
export function scrape(url: string, encoding: 'gzip' | 'identity'): Promise<{ readonly ms: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    const from = performance.now()
    const asked = request(url, { headers: { 'Accept-Encoding': encoding }, agent: false }, (answer) => {
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      answer.once('end', () => resolve({ ms: performance.now() - from, bytes })).once('error', reject)
    })
    asked.setTimeout(30_000, () => asked.destroy(new Error(`Scrape "${url}": no answer within 30 s`)))
    asked.once('error', reject).end()
  })
}
