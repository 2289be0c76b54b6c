import { flinkLag } from '../contract/flink-lag.ts'

flinkLag('1.20.5')
