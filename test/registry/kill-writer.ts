import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { registration } from '../targets/samples.ts'

// Registers and withdraws until it is killed, and prints what was acknowledged: `+ instance`, `- instance`.
const [storagePath, prefix] = process.argv.slice(2)
const signal = new AbortController().signal
const registry = createEmbeddedRegistry({ storagePath }, { clock: systemClock, logger: silentLogger })
void registry.run(signal)
while (registry.view() === undefined) await new Promise((resolve) => setTimeout(resolve, 1))

async function work(worker: number): Promise<void> {
  for (let index = 0; ; index++) {
    const instance = `${prefix}-${worker}-${index}`
    const one = registration({ instance, zone: instance })
    await registry.put([one], signal)
    process.stdout.write(`+ ${instance}\n`)
    if (index % 3 !== 0) continue
    // Announced before it is asked for: from here on the outcome is uncertain until the next line.
    process.stdout.write(`? ${instance}\n`)
    await registry.withdraw(one.id, '1', signal)
    process.stdout.write(`- ${instance}\n`)
  }
}

await Promise.all([1, 2, 3, 4].map(work))
