import { registryOnZookeeper } from '../contract/registry-on-zookeeper.ts'

registryOnZookeeper('3.4.14')
