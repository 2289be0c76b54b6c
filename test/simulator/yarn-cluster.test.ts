import { createFlinkWorld } from '../../src/simulator/flink-world.ts'
import { createKafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { createSimulatedYarn } from '../../src/simulator/simulated-yarn.ts'
import { describeYarnCluster, type YarnUnderTest } from '../contract/yarn-cluster.ts'

describeYarnCluster('A simulated YARN', async (): Promise<YarnUnderTest> => {
  const kafka = createKafkaState('4.3', [1], seededRandom(1))
  const world = createFlinkWorld(kafka, { now: Date.now, random: seededRandom(2) })
  const simulated = await createSimulatedYarn(world)
  const timer = setInterval(() => world.tick(), 250)
  const { yarn } = world
  return {
    resourceManagers: simulated.resourceManagers,
    submit: async ({ name, type = 'Apache Flink', queue = 'default', tags = [], master, attempts = 2 }) => {
      const order = {
        name,
        type,
        attempts,
        user: 'rig',
        queue: `root.${queue}`,
        tags: tags.map((tag) => tag.toLowerCase()),
      }
      const application = yarn.submit(order, (_, attempt) => {
        attempt.master = master && (() => `${master.host}:${master.port}`)
      })
      return {
        id: application.id,
        finish: async () => yarn.end(application, 'FINISHED'),
        die: async () => yarn.killMaster(application),
        kill: async () => yarn.end(application, 'KILLED'),
      }
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await simulated.close()
    },
  }
})
