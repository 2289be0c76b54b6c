import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaJars } from './jars.ts'
import { jvmFlags, propertiesText, writeLogSettings } from './jvm.ts'
import { type BrokerPlan, brokerProperties, secureProperties } from './kafka-properties.ts'
import { addScramUsers, formatScramUsers, writeServerJaas } from './kafka-users.ts'
import { freePorts, withFreshPorts } from './ports.ts'
import { listensOn, logSays, type RigProcess, startProcess } from './process.ts'
import { runOrThrow } from './run.ts'
import { createTls, type TlsFiles } from './tls.ts'
import { isAtLeast } from './version.ts'
import { startZookeeper, type ZookeeperRig } from './zookeeper.ts'

export interface KafkaOptions {
  /** 0.8.2.2 to 4.4.0. */
  readonly version: string
  /** Default: KRaft from 3.3, ZooKeeper before. */
  readonly mode?: 'kraft' | 'zookeeper'
  /** `host:port` of a ZooKeeper to use; without it the one that this Kafka carries is started along. */
  readonly zookeeper?: string
  /** Default 1. */
  readonly brokers?: 1 | 3
  /** Added to every broker's properties; the last word. */
  readonly properties?: Readonly<Record<string, string>>
  /** Of each broker. Default `256m`; 64m is the least that works. */
  readonly heap?: string
  /** `secure` adds listeners with SASL and TLS, the users of `rigUsers`, and an authorizer. Default `plain`. */
  readonly security?: 'plain' | 'secure'
  /** Features given to the format of a KRaft store, such as `share.version=1`. */
  readonly features?: readonly string[]
  readonly signal?: AbortSignal
}

/** Addresses of the listeners that ask who one is, and the certificates for two of them. */
interface SecureListeners {
  readonly saslPlaintext: string
  readonly saslSsl: string
  /** Asks for a client certificate and does not insist. */
  readonly ssl: string
  readonly tls: TlsFiles
}

export interface KafkaRig extends AsyncDisposable {
  readonly version: string
  /** `127.0.0.1:port,…` of the plain listeners. With `secure` too, where who comes this way may do everything. */
  readonly bootstrap: string
  /** Only in ZooKeeper mode. */
  readonly zookeeper: string | undefined
  readonly secure: SecureListeners | undefined
  readonly dir: string
  readonly brokers: readonly RigProcess[]
  /**
   * One step of a rolling upgrade: ends broker `index` (from 0) in order, and starts it as another version on the same
   * data and ports. `brokers` has the new process then. The properties that were given stay, and these are added.
   */
  upgrade(index: number, version: string, properties?: Readonly<Record<string, string>>): Promise<void>
  /** Kills everything and removes `dir`: a clean shutdown takes seconds and nobody reads the data. */
  stop(): Promise<void>
}

/** Starts Kafka on loopback, with its own ZooKeeper where the version wants one, and waits until it serves. */
export async function startKafka(options: KafkaOptions): Promise<KafkaRig> {
  const jars = await kafkaJars(options.version)
  return withFreshPorts(() => startOnce(options, jars))
}

async function startOnce(options: KafkaOptions, jars: string): Promise<KafkaRig> {
  const { version } = options
  const mode = options.mode ?? (isAtLeast(version, '3.3') ? 'kraft' : 'zookeeper')
  const dir = await mkdtemp(join(tmpdir(), `lagkeeper-kafka-${version}-`))
  const brokers: RigProcess[] = []
  let ownZookeeper: ZookeeperRig | undefined
  const stop = async () => {
    await Promise.all(brokers.map((broker) => broker.kill()))
    await ownZookeeper?.stop()
    await rm(dir, { recursive: true, force: true })
  }
  try {
    const tls = options.security === 'secure' ? await createTls(join(dir, 'tls')) : undefined
    if (mode === 'zookeeper' && options.zookeeper === undefined)
      ownZookeeper = await startZookeeper({ version: `of-kafka-${version}`, jars, ...signalOf(options) })
    const zookeeper = mode === 'zookeeper' ? (options.zookeeper ?? ownZookeeper?.connect) : undefined
    const plans = await planBrokers(options, dir, zookeeper)
    const commands = []
    for (const plan of plans) {
      commands.push(await prepareBroker(options, plan, jars, tls))
      if (plan.coordination.kind === 'kraft') await formatStore(options, plan, jars, tls)
    }
    if (tls !== undefined && zookeeper !== undefined) await addScramUsers(jars, zookeeper)
    const outcomes = await Promise.allSettled(commands.map(startBroker))
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') brokers.push(outcome.value)
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    const addresses = (name: string) => plans.map(({ listeners }) => `127.0.0.1:${listeners[name]}`).join(',')
    const secure = tls && {
      saslPlaintext: addresses('SASL_PLAINTEXT'),
      saslSsl: addresses('SASL_SSL'),
      ssl: addresses('SSL'),
      tls,
    }
    const upgrade: KafkaRig['upgrade'] = async (index, later, properties) => {
      const [plan, broker] = [plans[index], brokers[index]]
      if (plan === undefined || broker === undefined) throw new Error(`Upgrade broker ${index}: there is none`)
      const all = { ...options, version: later, properties: { ...options.properties, ...properties } }
      const command = await prepareBroker(all, plan, await kafkaJars(later), tls)
      await broker.stop()
      // Readiness is read from the log, where the last version said "started" too.
      await rm(broker.logFile, { force: true })
      brokers[index] = await startBroker(command)
    }
    const bootstrap = addresses('PLAINTEXT')
    return { version, bootstrap, zookeeper, secure, dir, brokers, upgrade, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function planBrokers(
  { brokers = 1, security }: KafkaOptions,
  dir: string,
  zookeeper: string | undefined,
): Promise<readonly BrokerPlan[]> {
  const names = ['PLAINTEXT', ...(security === 'secure' ? ['SASL_PLAINTEXT', 'SASL_SSL', 'SSL'] : [])]
  const ids = brokers === 1 ? [1] : [1, 2, 3]
  const ports = await freePorts(ids.length * (names.length + 1))
  const portsOf = (id: number) => ports.slice((id - 1) * (names.length + 1), id * (names.length + 1))
  const controllerPort = (id: number) => portsOf(id)[names.length] ?? 0
  const voters = ids.map((id) => `${id}@127.0.0.1:${controllerPort(id)}`).join(',')
  return ids.map((id) => ({
    id,
    dataFolder: join(dir, String(id), 'data'),
    listeners: Object.fromEntries(names.map((name, index) => [name, portsOf(id)[index] ?? 0])),
    coordination:
      zookeeper === undefined
        ? { kind: 'kraft', controllerPort: controllerPort(id), voters }
        : { kind: 'zookeeper', connect: zookeeper },
  }))
}

const propertiesFile = 'server.properties'

interface BrokerCommand {
  readonly name: string
  readonly args: readonly string[]
  readonly folder: string
  readonly port: number
  readonly signal?: AbortSignal
}

async function prepareBroker(
  options: KafkaOptions,
  plan: BrokerPlan,
  jars: string,
  tls: TlsFiles | undefined,
): Promise<BrokerCommand> {
  const { version, brokers = 1 } = options
  const folder = brokerFolder(plan)
  await mkdir(folder, { recursive: true })
  const kraft = plan.coordination.kind === 'kraft'
  const file = join(folder, propertiesFile)
  const properties = {
    ...brokerProperties(version, plan, brokers),
    ...(tls !== undefined && secureProperties(version, kraft, tls)),
    ...options.properties,
  }
  await writeFile(file, propertiesText(properties))
  const flags = await javaFlags(options, folder, jars)
  if (tls !== undefined) flags.unshift(await writeServerJaas(folder), '-Dzookeeper.sasl.client=false')
  return {
    name: `Kafka ${version} broker ${plan.id}`,
    args: [...flags, 'kafka.Kafka', file],
    folder,
    port: plan.listeners['PLAINTEXT'] ?? 0,
    ...signalOf(options),
  }
}

/** A KRaft broker wants its folder formatted, once. */
async function formatStore(
  options: KafkaOptions,
  plan: BrokerPlan,
  jars: string,
  tls: TlsFiles | undefined,
): Promise<void> {
  const folder = brokerFolder(plan)
  const format = ['kafka.tools.StorageTool', 'format', '-t', '4L6g3nShT-eMCtK--X86sw', '-c']
  format.push(join(folder, propertiesFile))
  for (const feature of options.features ?? []) format.push('--feature', feature)
  if (tls !== undefined) format.push(...formatScramUsers())
  await runOrThrow('java', [...(await javaFlags(options, folder, jars)), ...format], signalOf(options))
}

async function javaFlags({ heap = '256m' }: KafkaOptions, folder: string, jars: string): Promise<string[]> {
  return [...jvmFlags(heap), ...(await writeLogSettings(folder, 'INFO')), '-cp', join(jars, '*')]
}

function brokerFolder({ dataFolder }: BrokerPlan): string {
  return join(dataFolder, '..')
}

function startBroker({ name, args, folder, port, signal }: BrokerCommand): Promise<RigProcess> {
  return startProcess({
    name,
    command: 'java',
    args,
    logFile: join(folder, 'broker.log'),
    ready: [logSays(/[\s,]started \(kafka\.server\.Kafka(Raft)?Server\)|Kafka Server started/), listensOn(port)],
    ...(signal !== undefined && { signal }),
  })
}

function signalOf({ signal }: KafkaOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
