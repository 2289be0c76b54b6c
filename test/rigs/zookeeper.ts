import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zookeeperJars } from './jars.ts'
import { jvmFlags, propertiesText, writeLogSettings } from './jvm.ts'
import { freePorts, withFreshPorts } from './ports.ts'
import { type RigProcess, startProcess } from './process.ts'
import type { TlsFiles } from './tls.ts'

export interface ZookeeperOptions {
  readonly version: string
  /** Default 1. */
  readonly servers?: 1 | 3
  /** Default 500: sessions from 1 s to 20 s. */
  readonly tickTimeMs?: number
  /** Added to every server's configuration; the last word. */
  readonly properties?: Readonly<Record<string, string>>
  /** Servers that have lost the others go on in read-only mode. */
  readonly readOnlyMode?: boolean
  /** Opens a TLS port beside the plain one (3.5 and later). */
  readonly tls?: TlsFiles
  /** DIGEST-MD5 for user `rig`, password `rigpass`. */
  readonly sasl?: boolean
  /** Of each server's Java heap; default 128m, enough for a few thousand znodes. */
  readonly heap?: string
  /** Folder of jars to take the server from, instead of the release `version`. */
  readonly jars?: string
  readonly signal?: AbortSignal
}

interface ZookeeperServer extends RigProcess {
  readonly port: number
  readonly tlsPort: number | undefined
  /** The answer to a four-letter word such as `srvr`, `mntr` or `wchs`. */
  fourLetter(word: string): Promise<string>
}

export interface ZookeeperRig extends AsyncDisposable {
  readonly version: string
  /** `127.0.0.1:port,…` of all servers. */
  readonly connect: string
  /** The same for the TLS ports. */
  readonly tlsConnect: string | undefined
  readonly dir: string
  readonly servers: readonly ZookeeperServer[]
  /** Of the first server. */
  fourLetter(word: string): Promise<string>
  /** Kills all servers and removes `dir`. */
  stop(): Promise<void>
}

/** The digest that ACLs and the super user are named by. @see DigestAuthenticationProvider of ZooKeeper */
function zookeeperDigest(user: string, password: string): string {
  return `${user}:${createHash('sha1').update(`${user}:${password}`).digest('base64')}`
}

/**
 * Starts ZooKeeper on loopback, alone or as an ensemble of three, and waits until every server has a role.
 * All four-letter words and TTL nodes are on; `super` with password `superpass` is the super user of digest ACLs.
 */
export async function startZookeeper(options: ZookeeperOptions): Promise<ZookeeperRig> {
  const jars = options.jars ?? (await zookeeperJars(options.version))
  return withFreshPorts(() => startOnce(options, jars))
}

async function startOnce(options: ZookeeperOptions, jars: string): Promise<ZookeeperRig> {
  const count = options.servers ?? 1
  const dir = await mkdtemp(join(tmpdir(), `lagkeeper-zookeeper-${options.version}-`))
  const ports = await freePorts(count * 4)
  const plans = Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    port: ports[index * 4] ?? 0,
    tlsPort: options.tls === undefined ? undefined : ports[index * 4 + 1],
    peers: `127.0.0.1:${ports[index * 4 + 2]}:${ports[index * 4 + 3]}`,
  }))
  const ensemble = count === 1 ? {} : Object.fromEntries(plans.map(({ id, peers }) => [`server.${id}`, peers]))
  const starting = plans.map((plan) => startServer(options, jars, dir, plan, ensemble))
  const outcomes = await Promise.allSettled(starting)
  const servers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = async () => {
    await Promise.all(servers.map((server) => server.kill()))
    await rm(dir, { recursive: true, force: true })
  }
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) {
    await stop()
    throw failed.reason
  }
  const first = plans[0]?.port ?? 0
  return {
    version: options.version,
    connect: plans.map(({ port }) => `127.0.0.1:${port}`).join(','),
    tlsConnect: options.tls === undefined ? undefined : plans.map(({ tlsPort }) => `127.0.0.1:${tlsPort}`).join(','),
    dir,
    servers,
    fourLetter: (word) => askFourLetter(first, word),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

interface ServerPlan {
  readonly id: number
  readonly port: number
  readonly tlsPort: number | undefined
}

async function startServer(
  options: ZookeeperOptions,
  jars: string,
  dir: string,
  { id, port, tlsPort }: ServerPlan,
  ensemble: Readonly<Record<string, string>>,
): Promise<ZookeeperServer> {
  const { version, tls, sasl = false, tickTimeMs = 500, heap = '128m' } = options
  const folder = join(dir, String(id))
  const data = join(folder, 'data')
  await mkdir(data, { recursive: true })
  await writeFile(join(data, 'myid'), String(id))
  const configuration = join(folder, 'zoo.cfg')
  const properties = {
    dataDir: data,
    clientPort: String(port),
    clientPortAddress: '127.0.0.1',
    tickTime: String(tickTimeMs),
    initLimit: '20',
    syncLimit: '10',
    minSessionTimeout: '1000',
    maxSessionTimeout: '20000',
    maxClientCnxns: '0',
    '4lw.commands.whitelist': '*',
    // Its Jetty is not among the jars. Unknown to 3.4, which takes any key.
    'admin.enableServer': 'false',
    ...(sasl && { 'authProvider.1': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider' }),
    ...(tlsPort !== undefined && { secureClientPort: String(tlsPort), secureClientPortAddress: '127.0.0.1' }),
    ...ensemble,
    ...options.properties,
  }
  await writeFile(configuration, propertiesText(properties))
  const flags = [
    ...jvmFlags(heap),
    ...(await writeLogSettings(folder, 'INFO')),
    `-Dzookeeper.DigestAuthenticationProvider.superDigest=${zookeeperDigest('super', 'superpass')}`,
    '-Dzookeeper.extendedTypesEnabled=true',
    ...(options.readOnlyMode ? ['-Dreadonlymode.enabled=true'] : []),
    ...(tls === undefined ? [] : tlsFlags(tls)),
  ]
  if (sasl) flags.push(`-Djava.security.auth.login.config=${await writeJaas(folder)}`)
  const server = await startProcess({
    name: `ZooKeeper ${version} server ${id}`,
    command: 'java',
    args: [...flags, '-cp', join(jars, '*'), 'org.apache.zookeeper.server.quorum.QuorumPeerMain', configuration],
    logFile: join(folder, 'zookeeper.log'),
    ready: [async () => /^Mode: /m.test(await askFourLetter(port, 'srvr').catch(() => ''))],
    timeoutMs: 60_000,
    ...(options.signal !== undefined && { signal: options.signal }),
  })
  return Object.assign(server, { port, tlsPort, fourLetter: (word: string) => askFourLetter(port, word) })
}

function tlsFlags(tls: TlsFiles): readonly string[] {
  return [
    '-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
    `-Dzookeeper.ssl.keyStore.location=${tls.serverStore}`,
    `-Dzookeeper.ssl.keyStore.password=${tls.password}`,
    `-Dzookeeper.ssl.trustStore.location=${tls.trustStore}`,
    `-Dzookeeper.ssl.trustStore.password=${tls.password}`,
    '-Dzookeeper.ssl.clientAuth=want',
  ]
}

async function writeJaas(folder: string): Promise<string> {
  const file = join(folder, 'jaas.conf')
  const module = 'org.apache.zookeeper.server.auth.DigestLoginModule'
  await writeFile(file, `Server {\n  ${module} required user_super="superpass" user_rig="rigpass";\n};\n`)
  return file
}

function askFourLetter(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let answer = ''
    socket.setTimeout(5_000, () => socket.destroy(new Error(`Ask "${word}" of port ${port}: no answer in 5 s`)))
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      answer += text
    })
    socket.once('connect', () => socket.write(word))
    socket.once('error', reject)
    socket.once('close', () => resolve(answer))
  })
}
