import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** Processes that do nothing but use processor time. */
export interface Burners {
  /** Ends them. @returns the part of all processors that was free meanwhile */
  stop(): Promise<number>
}

export async function burnProcessors(count: number): Promise<Burners> {
  const script = 'const end = Date.now() + 60_000; while (Date.now() < end);'
  const children = Array.from({ length: count }, () => spawn(process.execPath, ['-e', script], { stdio: 'ignore' }))
  const before = await processorTime()
  return {
    stop: async () => {
      const after = await processorTime()
      for (const child of children) child.kill('SIGKILL')
      return (after.idle - before.idle) / (after.all - before.all)
    },
  }
}

async function processorTime(): Promise<{ readonly idle: number; readonly all: number }> {
  const [first = ''] = (await readFile('/proc/stat', 'utf8')).split('\n')
  const times = first.split(/\s+/).slice(1, 9).map(Number)
  return { idle: (times[3] ?? 0) + (times[4] ?? 0), all: times.reduce((a, b) => a + b, 0) }
}
