import { describeYarnCluster, type YarnUnderTest } from '../contract/yarn-cluster.ts'
import { startYarn } from '../rigs/yarn.ts'
import { submitApplication } from '../rigs/yarn-application.ts'

describeYarnCluster('A real YARN 3.3.6', () => real('3.3.6'))

async function real(version: string): Promise<YarnUnderTest> {
  const rig = await startYarn({ version })
  return {
    resourceManagers: rig.resourceManagers,
    submit: (plan) => submitApplication(rig, plan),
    [Symbol.asyncDispose]: () => rig.stop(),
  }
}
