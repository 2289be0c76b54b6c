import { yarnFlink } from '../contract/yarn-flink.ts'

yarnFlink('1.20.5', { version: '3.3.6' }, 'brief')
