import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { debianPackages } from './debian.ts'
import { freePorts, withFreshPorts } from './ports.ts'
import { listensOn, type RigProcess, startProcess } from './process.ts'
import { runOrThrow } from './run.ts'

const libraries = ['libgssapi-krb5-2', 'libkrb5-3', 'libk5crypto3', 'libkrb5support0'] as const
const server = ['krb5-kdc', 'krb5-admin-server', 'libkdb5-10', 'libkadm5srv-mit12', 'libkadm5clnt-mit12', 'libgssrpc4']
const loop = ['libverto1', 'libverto-libev1', 'libev4']
const headers = ['libkrb5-dev', 'krb5-multidev', 'comerr-dev']
const libraryFolder = 'usr/lib/x86_64-linux-gnu'

export interface KdcRig extends AsyncDisposable {
  readonly realm: string
  /** `krb5.conf`, for `KRB5_CONFIG` and `-Djava.security.krb5.conf`. */
  readonly config: string
  readonly kdc: RigProcess
  /** Makes a principal with a random key and returns the path of a keytab that has it. */
  addPrincipal(name: string): Promise<string>
  stop(): Promise<void>
}

/** Starts MIT Kerberos' KDC from Debian's packages on loopback, as an ordinary user and with a database of its own. */
export async function startKdc(realm = 'LAGKEEPER.TEST'): Promise<KdcRig> {
  const root = await debianPackages([...server, ...loop, ...libraries])
  return withFreshPorts(() => startOnce(root, realm))
}

async function startOnce(root: string, realm: string): Promise<KdcRig> {
  const dir = await mkdtemp(join(tmpdir(), 'lagkeeper-kdc-'))
  const [port = 0] = await freePorts(1)
  const config = join(dir, 'krb5.conf')
  const profile = join(dir, 'kdc.conf')
  await writeFile(config, clientConfig(realm, port, join(root, libraryFolder, 'krb5/plugins/kdb')))
  await writeFile(profile, kdcConfig(realm, port, dir))
  const env = {
    KRB5_CONFIG: config,
    KRB5_KDC_PROFILE: profile,
    LD_LIBRARY_PATH: join(root, libraryFolder),
  }
  const program = (name: string): string => join(root, 'usr/sbin', name)
  // `env`, because what the rig runs takes no environment of its own.
  const admin = (name: string, ...args: readonly string[]) =>
    runOrThrow('env', [...Object.entries(env).map(([key, value]) => `${key}=${value}`), program(name), ...args])
  const stop = async (): Promise<void> => {
    await kdc?.kill()
    await rm(dir, { recursive: true, force: true })
  }
  let kdc: RigProcess | undefined
  try {
    await admin('kdb5_util', '-r', realm, '-P', 'rigpass', 'create', '-s')
    const running = await startProcess({
      name: 'KDC',
      command: program('krb5kdc'),
      args: ['-n', '-r', realm],
      env,
      logFile: join(dir, 'output.log'),
      ready: [listensOn(port)],
    })
    kdc = running
    return {
      realm,
      config,
      kdc: running,
      addPrincipal: async (name) => {
        const keytab = join(dir, `${name.replaceAll('/', '_')}.keytab`)
        await admin('kadmin.local', '-r', realm, '-q', `addprinc -randkey ${name}`)
        await admin('kadmin.local', '-r', realm, '-q', `ktadd -k ${keytab} ${name}`)
        return keytab
      },
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Names are taken as they are: no name service is asked, and 127.0.0.1 stays 127.0.0.1. */
function clientConfig(realm: string, port: number, databaseModules: string): string {
  return `[libdefaults]
  default_realm = ${realm}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  ${realm} = {
    kdc = 127.0.0.1:${port}
  }
[dbmodules]
  db_module_dir = ${databaseModules}
`
}

function kdcConfig(realm: string, port: number, dir: string): string {
  return `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${realm} = {
    database_name = ${join(dir, 'principal')}
    key_stash_file = ${join(dir, 'stash')}
    acl_file = ${join(dir, 'kadm5.acl')}
    max_life = 10h
  }
[logging]
  kdc = FILE:${join(dir, 'kdc.log')}
`
}

/** The npm package `kerberos`, compiled against Debian's headers and kept in the cache. */
export async function kerberosPackage(version = '7.0.0'): Promise<unknown> {
  const root = await debianPackages([...headers, ...libraries])
  const folder = await cached(`kerberos-${version}-node-${process.versions.modules}`, async (partial) => {
    await mkdir(partial, { recursive: true })
    await writeFile(join(partial, 'package.json'), '{ "private": true }')
    const include = [join(root, 'usr/include'), join(root, 'usr/include/mit-krb5')].map((path) => `-I${path}`).join(' ')
    const link = [join(root, libraryFolder), join(root, libraryFolder, 'mit-krb5')].map((path) => `-L${path}`).join(' ')
    await runOrThrow(
      'env',
      [`CPPFLAGS=${include}`, `LDFLAGS=${link}`, 'npm', 'install', '--no-audit', '--no-fund', `kerberos@${version}`],
      { cwd: partial, timeoutMs: 600_000 },
    )
  })
  const loaded: unknown = createRequire(join(folder, 'package.json'))('kerberos')
  return loaded
}
