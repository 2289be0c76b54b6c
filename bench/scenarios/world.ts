import type { KafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { hashCode } from '../../src/simulator/kafka-state.ts'
import type { Scenario } from './scenario.ts'
import { playTrack, type Track } from './track.ts'

/** Topics and groups of a simulated cluster, which go on as their tracks say. */
export interface World {
  /** Everything up to this second of the run happens, second by second. */
  advanceTo(second: number): void
}

/** The simulated log keeps the times of 512 stretches, which shall reach over past and run. */
const PAST_STAMP_SECONDS = 30
const STAMPS_OF_RUN = 140

/** The second that is written on records of a second, never a later one. */
export function stampOf(second: number, seconds: number): number {
  const step = second < 0 ? PAST_STAMP_SECONDS : Math.max(1, Math.ceil(seconds / STAMPS_OF_RUN))
  return Math.floor(second / step) * step
}

interface Player {
  readonly scenario: Scenario
  readonly track: Track
  isGone: boolean
}

/** @param wallStart milliseconds since the Unix epoch at second 0 */
export function createWorld(
  { state }: Pick<KafkaCluster, 'state'>,
  scenarios: readonly Scenario[],
  seconds: number,
  wallStart: number,
): World {
  const players = scenarios.map((scenario): Player => ({ scenario, track: trackOf(scenario, seconds), isGone: false }))
  let reached = 0
  for (const player of players) begin(player)

  function begin({ scenario, track }: Player): void {
    const { id, behaviour } = scenario
    state.createTopic(id, partitionsOf(scenario))
    if (behaviour.retentionSeconds !== undefined)
      state.setConfig(id, 'retention.ms', String(behaviour.retentionSeconds * 1_000))
    for (const partition of partitionNumbers(scenario)) {
      state.setLog(id, partition, BigInt(track.start[0]!), BigInt(track.past[0]!))
      const ends = [...track.past, track.end[0]!]
      for (let index = 1; index < ends.length; index++)
        append(scenario, partition, ends[index]! - ends[index - 1]!, index - track.past.length)
      state.commit(id, id, partition, BigInt(track.committed[0]!))
    }
    setMembers(scenario, track.isRunning[0] === 1)
  }

  function append({ id, behaviour }: Scenario, partition: number, records: number, second: number): void {
    if (records <= 0) return
    const at = wallStart + stampOf(second, seconds) * 1_000
    if (behaviour.isTransactional === true) state.appendTransaction(id, partition, records - 1, at)
    else state.append(id, partition, records, at)
  }

  function setMembers(scenario: Scenario, isRunning: boolean): void {
    if (scenario.hasMembers !== true) return
    const assignment = { [scenario.id]: partitionNumbers(scenario) }
    state.setGroup(scenario.id, { members: isRunning ? [{ clientId: scenario.id, assignment }] : [] })
  }

  function step({ scenario, track, ...player }: Player, second: number): void {
    const { id } = scenario
    const isNewLife = track.life[second] !== track.life[second - 1]
    if (isNewLife) state.recreateTopic(id)
    const endBefore = isNewLife ? 0 : track.end[second - 1]!
    const records = track.end[second]! - endBefore
    const committed = track.committed[second]!
    for (const partition of partitionNumbers(scenario)) {
      append(scenario, partition, records, second)
      if (track.start[second]! > (isNewLife ? 0 : track.start[second - 1]!))
        state.deleteRecords(id, partition, BigInt(track.start[second]!))
      const isStuck =
        second >= (scenario.stuckFrom ?? Number.POSITIVE_INFINITY) && partition === partitionsOf(scenario) - 1
      if (committed !== track.committed[second - 1] && !player.isGone && !isStuck)
        state.commit(id, id, partition, BigInt(committed))
    }
    if (track.isRunning[second] !== track.isRunning[second - 1]) setMembers(scenario, track.isRunning[second] === 1)
  }

  return {
    advanceTo(second) {
      for (; reached < Math.min(second, seconds - 1); ) {
        reached++
        for (const player of players) {
          if (reached === player.scenario.vanishesAt) {
            player.isGone = true
            state.removeGroup(player.scenario.id)
          }
          step(player, reached)
        }
      }
    },
  }
}

/** The same whoever else is there. */
export function trackOf({ id, behaviour }: Scenario, seconds: number): Track {
  return playTrack(behaviour, seconds, hashCode(id))
}

function partitionsOf({ partitions = 1 }: Scenario): number {
  return partitions
}

function partitionNumbers(scenario: Scenario): readonly number[] {
  return Array.from({ length: partitionsOf(scenario) }, (_, partition) => partition)
}
