import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

type Properties = Readonly<Record<string, string>>

/** What the files of one server, or of clients, say. */
interface YarnFiles {
  readonly core: Properties
  readonly yarn: Properties
}

/** Writes what Hadoop reads from its folder of configuration. */
export async function writeYarnFiles(folder: string, { core, yarn }: YarnFiles): Promise<string> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'core-site.xml'), xml(core))
  await writeFile(join(folder, 'yarn-site.xml'), xml(yarn))
  await writeFile(join(folder, 'capacity-scheduler.xml'), xml(queues))
  return folder
}

const queues: Properties = {
  'yarn.scheduler.capacity.root.queues': 'default,stream',
  'yarn.scheduler.capacity.root.default.capacity': '40',
  'yarn.scheduler.capacity.root.default.maximum-capacity': '100',
  'yarn.scheduler.capacity.root.stream.capacity': '60',
  'yarn.scheduler.capacity.root.stream.maximum-capacity': '100',
  'yarn.scheduler.capacity.maximum-am-resource-percent': '1.0',
  'yarn.scheduler.capacity.resource-calculator': 'org.apache.hadoop.yarn.util.resource.DominantResourceCalculator',
}

/** Five ports of a ResourceManager; a suffix such as `.rm1` tells two apart. */
export function resourceManagerProperties(ports: readonly number[], suffix = ''): Properties {
  const names = ['address', 'scheduler.address', 'resource-tracker.address', 'admin.address', 'webapp.address']
  return {
    [`yarn.resourcemanager.hostname${suffix}`]: '127.0.0.1',
    ...Object.fromEntries(
      names.map((name, index) => [`yarn.resourcemanager.${name}${suffix}`, `127.0.0.1:${ports[index]}`]),
    ),
  }
}

/** Four ports of a NodeManager, the first of which is its web server's. */
export function nodeManagerProperties(ports: readonly number[], folder: string, memoryMb: number): Properties {
  const names = ['webapp.address', 'address', 'localizer.address', 'collector-service.address']
  return {
    'yarn.nodemanager.hostname': '127.0.0.1',
    ...Object.fromEntries(names.map((name, index) => [`yarn.nodemanager.${name}`, `127.0.0.1:${ports[index]}`])),
    'yarn.nodemanager.local-dirs': join(folder, 'local'),
    'yarn.nodemanager.log-dirs': join(folder, 'logs'),
    'yarn.nodemanager.resource.memory-mb': String(memoryMb),
    'yarn.nodemanager.resource.cpu-vcores': '16',
    'yarn.nodemanager.vmem-check-enabled': 'false',
    'yarn.nodemanager.pmem-check-enabled': 'false',
    'yarn.nodemanager.delete.debug-delay-sec': '600',
    'yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage': '99.9',
  }
}

/** Two ResourceManagers, of which ZooKeeper elects one; the other takes over what it knew. */
export function highAvailability(zookeeper: string): Properties {
  return {
    'yarn.resourcemanager.ha.enabled': 'true',
    'yarn.resourcemanager.cluster-id': 'rig',
    'yarn.resourcemanager.ha.rm-ids': 'rm1,rm2',
    'hadoop.zk.address': zookeeper,
    'yarn.resourcemanager.recovery.enabled': 'true',
    'yarn.resourcemanager.store.class': 'org.apache.hadoop.yarn.server.resourcemanager.recovery.ZKRMStateStore',
  }
}

function xml(properties: Properties): string {
  const lines = Object.entries(properties).map(
    ([name, value]) => `<property><name>${name}</name><value>${escaped(value)}</value></property>\n`,
  )
  return `<configuration>\n${lines.join('')}</configuration>\n`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
