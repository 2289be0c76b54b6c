import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debianProgram } from '../rigs/debian.ts'
import { temporaryFolder } from './temporary-folder.ts'
import type { World, WorldOptions } from './world.ts'

/** A wall clock that only the daemon sees. Its monotonic clock, which timers follow, is left alone. */
export interface FalseClock {
  readonly options: WorldOptions
  /** As libfaketime reads it: `+7200`, `-3600`, `@1970-01-01 00:00:00`; `+0` is the true time. */
  set(time: string): Promise<void>
}

export async function falseClock(time = '+0'): Promise<FalseClock> {
  const folder = temporaryFolder('clock')
  const file = join(folder, 'faketime')
  const set = (text: string): Promise<void> => writeFile(file, `${text}\n`)
  await set(time)
  // The package has no program: its library lies beside the folder of programs.
  const programs = await debianProgram('libfaketime', '.')
  const library = join(programs, '../lib/x86_64-linux-gnu/faketime/libfaketime.so.1')
  return {
    set,
    options: {
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        FAKETIME_DONT_RESET: '1',
        TZ: 'UTC',
      },
    },
  }
}

/** Seconds by which the daemon's wall clock is ahead of ours, as its answers say. */
export async function aheadSeconds(world: World): Promise<number> {
  const { headers } = await world.ask('/-/healthy')
  return (Date.parse(headers.get('date') ?? '') - Date.now()) / 1_000
}
