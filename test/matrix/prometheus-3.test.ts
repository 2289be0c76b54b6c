import { beforeAll } from 'vitest'
import { foreignReadersContract } from '../contract/foreign-readers.ts'
import { httpSdContract } from '../contract/http-sd.ts'
import { prometheusPageContract } from '../contract/prometheus-page.ts'
import { targetListContract } from '../contract/target-list.ts'
import { prometheusBinary, promtoolBinary } from '../rigs/prometheus.ts'

const version = '3.16.0'

beforeAll(async () => {
  await prometheusBinary(version)
  await promtoolBinary(version)
})

httpSdContract(version)
targetListContract(version)
foreignReadersContract(version)
prometheusPageContract(version)
