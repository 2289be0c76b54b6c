import { targetListContract } from '../contract/target-list.ts'

targetListContract('2.42.0')
