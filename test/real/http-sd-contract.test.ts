import { httpSdContract } from '../contract/http-sd.ts'

httpSdContract('2.42.0')
