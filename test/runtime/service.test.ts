import { describe, expect, it } from 'vitest'
import { InvariantError } from '../../src/runtime/errors.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createSupervisor, type Service } from '../../src/runtime/service.ts'
import { fakeClock } from '../fakes/clock.ts'

/** A service that notes what happens to it. */
function noted(name: string, log: string[], work?: () => Promise<void>): Service {
  return {
    name,
    run: async (signal) => {
      log.push(`${name} starts`)
      if (work !== undefined) return work()
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      log.push(`${name} stops`)
    },
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('createSupervisor()', () => {
  it('starts what is wanted, stops what is not, replaces what changed, and settles last', async () => {
    const log: string[] = []
    const stop = new AbortController()
    const supervisor = createSupervisor({ clock: fakeClock(), logger: silentLogger })
    const kept = noted('kept', log)
    supervisor.want([kept, noted('old', log)])
    const done = supervisor.run(stop.signal)
    await turn()

    supervisor.want([kept, noted('new', log)])
    await turn()
    supervisor.want([kept, noted('new', log)])
    await turn()
    stop.abort()
    await done

    expect(log).toEqual([
      'kept starts',
      'old starts',
      'old stops',
      'new starts',
      'new stops',
      'new starts',
      'kept stops',
      'new stops',
    ])
  })

  it('restarts a failed service alone, after its back-off', async () => {
    const log: string[] = []
    const clock = fakeClock()
    const stop = new AbortController()
    const supervisor = createSupervisor({ clock, logger: silentLogger })
    supervisor.want([noted('broken', log, () => Promise.reject(new Error('no'))), noted('fine', log)])
    const done = supervisor.run(stop.signal)
    await turn()
    await clock.advance(200)
    await clock.advance(400)
    stop.abort()
    await done

    expect(log).toEqual(['broken starts', 'fine starts', 'broken starts', 'broken starts', 'fine stops'])
  })

  it('ends with an InvariantError, after everything else has stopped', async () => {
    const log: string[] = []
    const supervisor = createSupervisor({ clock: fakeClock(), logger: silentLogger })
    supervisor.want([noted('fine', log), noted('bug', log, () => Promise.reject(new InvariantError('cannot be')))])

    await expect(supervisor.run(new AbortController().signal)).rejects.toThrow('cannot be')
    expect(log).toEqual(['fine starts', 'bug starts', 'fine stops'])
  })
})
