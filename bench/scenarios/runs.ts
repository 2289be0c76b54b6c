import type { KafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import type { Event, RunPlan } from './drive.ts'
import type { Expected, Scenario } from './scenario.ts'
import { scenariosAt } from './scenarios.ts'

/** A run of the daemon of which all alerts together are judged: what happens here happens to everybody. */
export interface WholeRun
  extends Pick<RunPlan, 'scenarios' | 'seconds' | 'events' | 'outage' | 'isUndisturbed' | 'zookeeper'> {
  readonly id: string
  readonly what: string
  readonly expected: Expected
  /** Names of the alerts that are about what happens here; any other is false. */
  readonly mayFire?: readonly string[]
}

const MINUTE = 60
const HOUR = 3_600
const AT = HOUR
const LASTS = 20 * MINUTE
const silence: Expected = { kind: 'silence' }

/** Healthy consumers only: whatever fires is about what was done to the cluster or the daemon. */
const healthy: readonly Scenario[] = scenariosAt(AT).filter(({ id }) =>
  ['healthy-60s', 'healthy-600s', 'healthy-auto-commit', 'quiet', 'transactions', 'idle'].includes(id),
)

const stopped: readonly Scenario[] = scenariosAt(AT / 2).filter(({ id }) => id === 'stops-busy')

const whole = { scenarios: healthy, seconds: 2 * HOUR }

export const wholeRuns: readonly WholeRun[] = [
  {
    ...whole,
    id: 'broker-fails-over',
    what: 'one broker of three down for 20 min, others lead its partitions after 15 s',
    expected: silence,
    events: [
      { at: AT, act: ({ faults }) => faults.refuse(3) },
      { at: AT + 15, act: (cluster) => moveAway(cluster, 3) },
      { at: AT + LASTS, act: ({ faults }) => faults.accept(3) },
      { at: AT + LASTS + MINUTE, act: (cluster) => moveBack(cluster, 3) },
    ],
  },
  {
    ...whole,
    id: 'broker-down',
    what: 'the same, but its partitions have no other replica',
    mayFire: ['LagkeeperLagUnknown'],
    expected: { kind: 'ticket', from: AT, within: 18 * MINUTE },
    events: downTogether([3], AT, LASTS),
  },
  {
    ...whole,
    id: 'kafka-down',
    what: 'all brokers down for 20 min',
    mayFire: ['LagkeeperSourceDown', 'LagkeeperDataOld', 'LagkeeperLagUnknown'],
    expected: { kind: 'page', from: AT, within: 10 * MINUTE },
    events: downTogether([1, 2, 3], AT, LASTS),
  },
  {
    ...whole,
    id: 'rolling-restart',
    what: 'the brokers restart one after the other, 75 s each',
    expected: silence,
    events: [1, 2, 3].flatMap((broker, index) => {
      const at = AT + index * 5 * MINUTE
      return [
        { at, act: ({ faults }: KafkaCluster) => faults.refuse(broker) },
        { at: at + 15, act: (cluster: KafkaCluster) => moveAway(cluster, broker) },
        { at: at + 75, act: ({ faults }: KafkaCluster) => faults.accept(broker) },
        { at: at + 2 * MINUTE, act: (cluster: KafkaCluster) => moveBack(cluster, broker) },
      ]
    }),
  },
  {
    ...whole,
    id: 'daemon-down',
    what: 'Lagkeeper itself down for 20 min',
    mayFire: ['LagkeeperAbsent', 'LagkeeperReplicaDown'],
    expected: { kind: 'page', from: AT, within: 10 * MINUTE },
    outage: { from: AT, to: AT + LASTS },
  },
  {
    ...whole,
    id: 'daemon-restart',
    what: 'Lagkeeper restarted, away for 2 min',
    expected: silence,
    outage: { from: AT, to: AT + 2 * MINUTE },
  },
  {
    ...whole,
    // Stopped half an hour before; over the restart Prometheus has no sample for 2 min, and a page may end for 5 min.
    scenarios: [...healthy, ...stopped],
    id: 'daemon-restart-page',
    what: 'a job stops, and 30 min later Lagkeeper is restarted: the page goes on',
    mayFire: ['LagkeeperConsumerStalled', 'LagkeeperTimeLagOverObjective', 'LagkeeperObjectiveBurn'],
    expected: { kind: 'page', from: AT / 2, within: 13 * MINUTE, lasts: 120 - 30 - 13 - 7 },
    outage: { from: AT, to: AT + 2 * MINUTE },
  },
  {
    ...whole,
    id: 'zookeeper-down',
    what: 'registrations in ZooKeeper, which is down for 20 min',
    mayFire: ['LagkeeperTargetListStale'],
    expected: { kind: 'ticket', from: AT, within: 10 * MINUTE },
    zookeeper: { downFrom: AT, downTo: AT + LASTS },
    isUndisturbed: true,
  },
]

function downTogether(brokers: readonly number[], at: number, lasts: number): readonly Event[] {
  return [
    {
      at,
      act: async ({ faults }) => {
        for (const broker of brokers) await faults.refuse(broker)
      },
    },
    {
      at: at + lasts,
      act: async ({ faults }) => {
        for (const broker of brokers) await faults.accept(broker)
      },
    },
  ]
}

/** Brokers that are there take over what one that is gone led and coordinated. */
function moveAway({ state }: KafkaCluster, broker: number): void {
  const other = (index: number): number => ((broker + (index % 2)) % 3) + 1
  for (const { name, leaders } of [...state.topics.values()])
    for (const [partition, leader] of leaders.entries())
      if (leader === broker) state.moveLeader(name, partition, other(partition))
  for (const [index, id] of [...state.groups.keys()].entries())
    if (state.coordinatorOf(id) === broker) state.moveCoordinator(id, other(index))
}

/** Preferred leaders lead again, in the turn in which they were given. */
function moveBack({ state }: KafkaCluster, broker: number): void {
  let nth = 0
  for (const { name, leaders } of [...state.topics.values()])
    for (const [partition, leader] of leaders.entries())
      if ((nth++ % 3) + 1 === broker && leader !== broker) state.moveLeader(name, partition, broker)
}
