import { describe, expect, it } from 'vitest'
import { sqlVertices } from '../../src/simulator/flink-plan.ts'
import { clientLag, endOf, type Split } from '../../src/simulator/flink-splits.ts'
import { createFlinkWorld, type FlinkApplicationPlan, type FlinkWorld } from '../../src/simulator/flink-world.ts'
import { createKafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'

const topic = 'orders'

/** A world with one application that reads one topic of three partitions with 1,000 records each. */
function worldWith(
  plan: Partial<FlinkApplicationPlan> = {},
  source: { recordsPerSecond?: number; group?: string } = { group: 'etl' },
) {
  const kafka = createKafkaState('4.3', [1], seededRandom(1))
  kafka.createTopic(topic, 3)
  for (let partition = 0; partition < 3; partition++) kafka.append(topic, partition, 1_000)
  let now = 1_700_000_000_000
  const world = createFlinkWorld(kafka, { now: () => now, random: seededRandom(2) })
  const application = world.submit({
    name: 'etl',
    version: '1.20.5',
    slots: 1,
    jobs: [
      {
        name: 'etl',
        vertices: sqlVertices({
          table: 'orders',
          topics: [topic],
          sink: 'sums',
          groupBy: 'city',
          parallelism: 2,
          ...source,
        }),
        checkpointSeconds: 5,
      },
    ],
    ...plan,
  })
  /** The ports of JobManagers are opened by somebody else. */
  const pass = (seconds: number): void => {
    for (let second = 0; second < seconds; second++) {
      now += 1_000
      for (const { process } of world.processes())
        if (process.kind === 'jobmanager') process.restPort ??= 40_000 + world.yarn.all[0]!.attempts.length
      world.tick()
    }
  }
  return { world, application, kafka, pass }
}

function splitsOf(world: FlinkWorld): readonly Split[] {
  return world.find('etl').job.vertices.flatMap(({ subtasks }) => subtasks.flatMap(({ splits }) => splits))
}

describe('A job of the simulated Flink', () => {
  it('has each partition in one subtask, and reads all', () => {
    const { world, pass } = worldWith()
    pass(1)
    expect(
      splitsOf(world)
        .map(({ partition }) => partition)
        .sort(),
    ).toEqual([0, 1, 2])
    expect(splitsOf(world).every(({ position, hasEmitted }) => position === 1_000 && hasEmitted)).toBe(true)
    const { job, cluster } = world.find('etl')
    expect(job.vertices.map(({ subtasks }) => subtasks.map(({ splits }) => splits.length).sort())).toEqual([
      [1, 2],
      [0, 0],
    ])
    expect(cluster.taskManagers.map((one) => cluster.freeSlots(one))).toEqual([0, 0])
  })

  it('commits at checkpoints and never else', () => {
    const { world, kafka, pass } = worldWith()
    pass(4)
    expect(kafka.groups.get('etl')).toBeUndefined()
    pass(1)
    expect(kafka.groups.get('etl')).toMatchObject({ state: 'Empty', members: [] })
    expect(splitsOf(world).map(({ committed }) => committed)).toEqual([1_000, 1_000, 1_000])
    expect(world.find('etl').job.checkpoints).toMatchObject({ completed: 1, failed: 0 })
  })

  it('knows its lag wrongly while it is slow: an old end, and what was fetched counts as read', () => {
    const { world, kafka, pass } = worldWith({}, { recordsPerSecond: 10 })
    pass(3)
    const [split] = splitsOf(world)
    expect(split).toMatchObject({ position: 30, fetched: 500, highWatermark: 1_000 })
    kafka.append(topic, split!.partition, 7_000)
    pass(3)
    expect(endOf(kafka, topic, split!.partition) - split!.position).toBe(7_940)
    expect(clientLag(split!)).toBe(500)
  })

  it('believes that it has no lag while it stands still, and makes no checkpoint', () => {
    const { world, kafka, pass } = worldWith()
    world.find('etl').job.isStuck = true
    pass(1)
    for (let partition = 0; partition < 3; partition++) kafka.append(topic, partition, 100)
    pass(60)
    expect(splitsOf(world).map(({ position }) => position)).toEqual([1, 1, 1])
    expect(splitsOf(world).map(clientLag)).toEqual([0, 0, 0])
    expect(world.find('etl').job.checkpoints).toMatchObject({ completed: 0, inProgress: { id: 1 } })
    expect(kafka.groups.get('etl')).toBeUndefined()
  })

  it('starts again from its last checkpoint, and knows no offset until a record comes', () => {
    const { world, kafka, pass } = worldWith()
    pass(6)
    for (let partition = 0; partition < 3; partition++) kafka.append(topic, partition, 50)
    pass(1)
    const { job, cluster } = world.find('etl')
    cluster.restart(job)
    expect([job.state, splitsOf(world)]).toEqual(['RESTARTING', []])
    pass(2)
    expect(job).toMatchObject({ state: 'RUNNING', restarts: 1, checkpoints: { restored: 1 } })
    // From 1,000 on once more.
    expect(splitsOf(world).map(({ position, hasEmitted }) => [position, hasEmitted])).toEqual([
      [1_050, true],
      [1_050, true],
      [1_050, true],
    ])
    pass(5)
    cluster.restart(job)
    pass(3)
    expect(splitsOf(world).map(({ position, hasEmitted, committed }) => [position, hasEmitted, committed])).toEqual(
      Array.from({ length: 3 }, () => [1_050, false, undefined]),
    )
    expect(job.vertices[0]?.subtasks.map(({ attempt }) => attempt)).toEqual([2, 2])
  })

  it('counts a checkpoint that a restart interrupts as failed', () => {
    const { world, pass } = worldWith()
    const { job, cluster } = world.find('etl')
    job.isStuck = true
    pass(6)
    cluster.restart(job)
    expect(job.checkpoints).toMatchObject({
      failed: 1,
      lastFailed: { id: 1, message: 'Checkpoint Coordinator is suspending.' },
    })
    expect(job.checkpoints.inProgress).toBeUndefined()
  })

  it('does not see partitions that come later when discovery is off', () => {
    const kafka = createKafkaState('4.3', [1], seededRandom(1))
    kafka.createTopic(topic, 4)
    const world = createFlinkWorld(kafka, { now: () => 0, random: seededRandom(2) })
    world.submit({
      name: 'etl',
      version: '1.20.5',
      jobs: [{ name: 'etl', vertices: sqlVertices({ table: 'orders', topics: [topic], sink: 's', partitions: 3 }) }],
    })
    expect(splitsOf(world).map(({ partition }) => partition)).toEqual([0, 1, 2])
  })
})

describe('A killed process of the simulated Flink', () => {
  it('is replaced at once on its port, and noticed later', () => {
    const { world, application, pass } = worldWith()
    pass(6)
    const { job, cluster } = world.find('etl')
    const [first] = cluster.taskManagers
    first!.process.reporterPort = 41_000
    world.killTaskManager(first!.process.id)

    const listed = () =>
      cluster.taskManagers.filter(({ state }) => state !== 'starting').map(({ process }) => process.id)
    const successor = world.processes().find(({ process }) => process.reporterPort === 41_000)?.process
    expect(successor?.id).toMatch(/_01_000004$/)
    expect([job.state, listed().includes(first!.process.id)]).toEqual(['RUNNING', true])
    expect(
      application.application.attempts[0]?.containers.filter(({ isRunning }) => !isRunning).map(({ id }) => id),
    ).toEqual([first!.process.id])
    pass(4)
    expect([job.state, listed().includes(first!.process.id)]).toEqual(['RESTARTING', false])
    pass(2)
    expect(job).toMatchObject({ state: 'RUNNING', restarts: 1 })
    expect(job.exceptions[0]?.message).toBe(`TaskManager with id ${first!.process.id} is no longer reachable.`)
    expect(job.vertices[0]?.subtasks.map(({ taskManager }) => taskManager).includes(successor)).toBe(true)
  })

  it('takes everything along when it was the ApplicationMaster: new attempt, port, containers and job id', () => {
    const { world, application, kafka, pass } = worldWith()
    pass(6)
    const before = world.find('etl')
    const { rpcAddress } = application.application.attempts[0]!
    for (let partition = 0; partition < 3; partition++) kafka.append(topic, partition, 10)
    world.killApplicationMaster(application)

    expect(application.application.state).toBe('RUNNING')
    expect(world.processes().map(({ process }) => process.kind)).toEqual(['taskmanager', 'taskmanager'])
    pass(2)
    expect(application.application.state).toBe('ACCEPTED')
    const after = world.find('etl')
    expect(after.job.id).not.toBe(before.job.id)
    expect(world.processes().map(({ process }) => process.id)).toEqual(
      [1, 2, 3].map((number) => `${application.application.id.replace('application', 'container')}_02_00000${number}`),
    )
    pass(1)
    expect(application.application).toMatchObject({ state: 'RUNNING' })
    expect(application.application.attempts[1]?.rpcAddress).not.toBe(rpcAddress)
    // Without high availability there is no checkpoint any more, but its group.
    expect(after.job.checkpoints.restored).toBe(0)
    expect(splitsOf(world).map(({ position }) => position)).toEqual([1_010, 1_010, 1_010])
  })

  it('is the end of the application when that was its last attempt', () => {
    const { world, application, pass } = worldWith({ attempts: 1 })
    pass(2)
    world.killApplicationMaster(application)
    pass(2)
    expect(application.application.state).toBe('FAILED')
    expect(application.application.diagnostics).toMatch(
      /failed 1 times due to AM Container .* exited with {2}exitCode: 137/,
    )
    expect([application.cluster, world.processes()]).toEqual([undefined, []])
  })

  it.each(['FINISHED', 'KILLED'] as const)('has no successor in an application that is %s', (state) => {
    const { world, application, pass } = worldWith()
    pass(2)
    world.end(application, state)
    expect([application.application.state, world.processes()]).toEqual([state, []])
    expect(() => world.find('etl')).toThrow('Find job "etl"')
  })
})
