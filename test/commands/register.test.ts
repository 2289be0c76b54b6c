import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerCommand } from '../../src/commands/register.ts'
import { captureIo } from '../fakes/io.ts'
import { openRegistrationWorld, type RegistrationWorld } from '../http/registration-world.ts'
import { freePorts } from '../rigs/ports.ts'

/** For a busy machine; nothing waits so long as a rule. */
const eventually = { timeout: 15_000 }

let world: RegistrationWorld
let folder: string

beforeAll(async () => {
  world = await openRegistrationWorld()
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-register-'))
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const identity = ['--namespace=payments', '--app=orders', '--role=tm']
const address = '--address=10.0.0.7:9250'

function run(instance: string, args: readonly string[], command: readonly string[] = [], url = world.url) {
  const stop = new AbortController()
  const captured = captureIo({ signal: stop.signal })
  const where = args.some((arg) => /^--(address|ports?)=/.test(arg)) ? [] : [address]
  const argv = [`--url=${url}`, ...identity, ...where, `--instance=${instance}`, `--zone=${instance}`, ...args]
  const code = registerCommand(command.length === 0 ? argv : [...argv, '--', ...command], captured.io)
  return { code, stop, ...captured }
}

const node = (script: string) => [process.execPath, '-e', script]

/** A command that ends with the code once `end()` is called: nothing here depends on how fast anything is. */
function endless(exitCode: number) {
  const path = join(folder, randomUUID())
  const look = `if (require("fs").existsSync(${JSON.stringify(path)})) process.exit(${exitCode})`
  return { command: node(`setInterval(() => { ${look} }, 20)`), end: () => writeFile(path, '') }
}
const find = (instance: string) => world.registry.find(`payments/orders/tm/${instance}`)

describe('with a command', () => {
  it('keeps it registered while it runs, and passes its exit code on', async () => {
    const { command, end } = endless(7)
    const { code, err } = run(
      'works',
      ['--label=team=a=b', '--param=x=y', '--kind=flink-tm', '--flink-cluster=eu-1', '--attempt=3'],
      command,
    )

    await expect
      .poll(() => find('works')?.registration, eventually)
      .toMatchObject({
        labels: { team: 'a=b' },
        params: { x: 'y' },
        facts: { kind: 'flink-tm', flinkCluster: 'eu-1', attempt: '3' },
      })
    await expect.poll(err, eventually).toContain('registered')
    await end()
    expect(await code).toBe(7)
    expect(find('works')).toBeUndefined()
    expect(err()).toBe('lagkeeper register: registered as payments/orders/tm/works at 10.0.0.7:9250\n')
  })

  it('gives every start another word as incarnation', async () => {
    const lives: (string | undefined)[] = []
    for (const _ of [1, 2]) {
      const { command, end } = endless(0)
      const { code } = run('lives', [], command)
      await expect.poll(() => find('lives'), eventually).toBeDefined()
      lives.push(find('lives')?.registration.incarnation)
      await end()
      await code
    }

    expect(new Set(lives).size).toBe(2)
  })

  it.each([
    ['SIGTERM', 'process.on("SIGTERM", () => process.exit(42)); setInterval(() => 0, 1000)', 42],
    ['SIGTERM', 'setInterval(() => 0, 1000)', 143],
    ['SIGINT', 'process.on("SIGINT", () => process.exit(43)); setInterval(() => 0, 1000)', 43],
    ['SIGINT', 'setInterval(() => 0, 1000)', 130],
  ])('passes %s on to %j', async (name, script, expected) => {
    const started = join(folder, `signal-${expected}`)
    const command = node(`${script}; require("fs").writeFileSync(${JSON.stringify(started)}, "")`)
    const { code, stop } = run(`signal-${expected}`, [], command)
    await expect.poll(() => find(`signal-${expected}`), eventually).toBeDefined()
    await expect.poll(() => existsSync(started), eventually).toBe(true)

    stop.abort(name)

    expect(await code).toBe(expected)
    expect(find(`signal-${expected}`)).toBeUndefined()
  })

  it('never holds it up: not when the daemon is down', async () => {
    const { code, err } = run('down', [], node('process.exit(3)'), 'http://127.0.0.1:9')

    expect(await code).toBe(3)
    expect(err()).not.toContain('registered')
  })

  it('never ends it: not when the registration is refused', async () => {
    const old = await registered('old')
    await world.registry.put([{ ...old, incarnation: '9' }], AbortSignal.timeout(5_000))
    const { command, end } = endless(5)
    const { code, err } = run('old', ['--incarnation=8'], command)
    await expect.poll(err, eventually).toContain('superseded by "9"; giving up')
    await end()

    expect(await code).toBe(5)
    expect(find('old')?.registration.incarnation).toBe('9')
  })

  it('says that a command cannot be run as a shell does', async () => {
    await writeFile(join(folder, 'no-program'), 'x', { mode: 0o600 })

    const missing = run('a', [], ['/no/such/program'])
    expect(await missing.code).toBe(127)
    expect(missing.err()).toMatch(/^lagkeeper register: Run "\/no\/such\/program": .*ENOENT.*\n$/)
    expect(find('a')).toBeUndefined()
    expect(await run('b', [], [join(folder, 'no-program')]).code).toBe(126)
  })
})

describe('an address that is found out', () => {
  it('is the port on which the command listens, of a range, once it does', async () => {
    const listens = 'require("net").createServer().listen(Number(process.argv[1]), "127.0.0.1")'
    const [from = 0, other = 0] = (await freePorts(2)).toSorted((a, b) => a - b)
    // Somebody else has a port of the range: asking the ports would take it for the command's.
    await using _ = await listening(from)
    const script = `setTimeout(() => { ${listens} }, 300)`
    const { code, stop, err } = run('found', [`--ports=${from}-${other}`], [...node(script), String(other)])
    await expect.poll(err, eventually).toContain(`at 127.0.0.1:${other}\n`)
    stop.abort('SIGTERM')
    await code
  })

  it('is this machine with --port, at the address from which it reaches Lagkeeper', async () => {
    const { code, stop, err } = run('port', ['--port=9250'])
    await expect.poll(err, eventually).toContain('at 127.0.0.1:9250\n')
    stop.abort('SIGTERM')

    expect(await code).toBe(0)
  })

  it('has the host that is said', async () => {
    const { code, stop, err } = run('host', ['--port=9250', '--host=fd00::7'])
    await expect.poll(err, eventually).toContain('at [fd00::7]:9250\n')
    stop.abort('SIGTERM')
    await code
  })

  it('holds nothing up while it is not known', async () => {
    const [port = 0] = await freePorts(1)
    const { code, err } = run('silent', [`--ports=${port}-${port + 1}`], node('process.exit(6)'))

    expect(await code).toBe(6)
    expect(err()).toBe('')
    expect(find('silent')).toBeUndefined()
  })

  it('is looked for again and again when there is no way to Lagkeeper, and says so once', async () => {
    const { code, stop, err } = run('nowhere', ['--port=9250'], [], 'http://no-such-host.invalid:1')
    await expect.poll(err, eventually).toContain('Find the own address')
    stop.abort('SIGTERM')

    expect(await code).toBe(0)
    expect(err().match(/Find the own address/g)).toHaveLength(1)
  })
})

async function listening(port: number): Promise<AsyncDisposable> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}

async function registered(instance: string) {
  const { command, end } = endless(0)
  const { code } = run(instance, [], command)
  await expect.poll(() => find(instance), eventually).toBeDefined()
  const registration = find(instance)!.registration
  await end()
  await code
  return registration
}

describe('without a command', () => {
  it('keeps the registration until it is told to end', async () => {
    const { code, stop } = run('alone', [])
    await expect.poll(() => find('alone'), eventually).toBeDefined()
    stop.abort('SIGTERM')

    expect(await code).toBe(0)
    expect(find('alone')).toBeUndefined()
  })

  it('ends with 1 when it is refused', async () => {
    const { code, stop, err } = run('refused', [])
    await expect.poll(err, eventually).toContain('registered')
    const late = run('refused', ['--address=8.8.8.8:1'])

    expect(await late.code).toBe(1)
    expect(late.err()).toContain('none of the allowed networks')
    stop.abort('SIGTERM')
    expect(await code).toBe(0)
  })
})

describe('usage', () => {
  it('prints its help', async () => {
    const { io, out } = captureIo()

    expect(await registerCommand(['--help'], io)).toBe(0)
    expect(out()).toContain('Usage: lagkeeper register')
  })

  it.each([
    [[], '--namespace: "", expected'],
    [['--instance=a/b'], '--instance: "a/b", expected'],
    [['--address=nowhere'], '--address: "nowhere", expected host:port'],
    [[], '--address: "", expected host:port'],
    [['--port=http'], '--port: "http", expected a port'],
    [['--port=70000'], '--port: "70000", expected a port'],
    [['--ports=9260-9250', '--', 'true'], '--ports: "9260-9250", expected a range'],
    [['--ports=9250-9260'], '--ports: expected a command'],
    [[address, '--port=1'], '--address, --port, --ports: expected one of them'],
    [[address, '--host=a'], '--host: expected --port or --ports beside it'],
    [['--port=1', '--host=a b'], '--address: "a b:1", expected host:port'],
    [['--flink-cluster='], '--flink-cluster: "", expected 1 to 256'],
    [['--url=http://a:1', '--url=http://user:secret@b:1'], '--url: "http://user:secret@b:1", expected'],
    [['--label=job=x'], '--label job: "job", expected'],
    [['--label=x'], '--label: "x", expected name=value'],
    [['--lease-seconds=soon'], '--lease-seconds: "soon", expected a whole number'],
    [['--metrics-path=x'], '--metrics-path: "x", expected'],
    [['--url=lagkeeper'], '--url: "lagkeeper", expected'],
    [['--token-file=/no/such'], '--token-file: "/no/such": no such file'],
    [['--nope'], "Unknown option '--nope'"],
    [['--'], '--: nothing behind it'],
    [['stray'], "Unexpected argument 'stray'"],
  ])('refuses %j and starts nothing', async (args, problem) => {
    const { io, err } = captureIo()

    expect(await registerCommand(args, io)).toBe(2)
    expect(err().split(problem)).toHaveLength(2)
    expect(err()).toContain('See lagkeeper register --help')
  })

  it('sends the token of a private file', async () => {
    const path = join(folder, 'token')
    await writeFile(path, 'wrong\n', { mode: 0o600 })
    const { code, stop, err } = run('token', [`--token-file=${path}`])
    await expect.poll(() => find('token'), eventually).toBeDefined()
    stop.abort('SIGTERM')

    expect(await code).toBe(0)
    expect(err()).not.toContain('wrong')
  })
})
