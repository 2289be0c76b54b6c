import { foreignReadersContract } from '../contract/foreign-readers.ts'

foreignReadersContract('2.42.0')
