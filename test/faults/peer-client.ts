import { type Client, CreateMode, createClient } from 'node-zookeeper-client'

// A registrant on node-zookeeper-client in a process of its own: one ephemeral, a list read again and again. Arguments:
// connect string, path of the ephemeral, how many watches to set. Prints a line for whatever happens.

const [connect = '', path = '', watches = '0'] = process.argv.slice(2)
const client: Client = createClient(connect, { sessionTimeout: 6_000 })
const say = (what: string): void => void process.stdout.write(`${what}\n`)

client.on('state', (state) => say(`state ${state}`))
client.once('connected', () => {
  client.create(path, Buffer.from('peer'), CreateMode.EPHEMERAL, (error) => {
    say(error ? `create failed ${error}` : 'registered')
    setWatches(Number(watches))
  })
})
client.connect()

function setWatches(count: number): void {
  let open = count
  const done = (): void => {
    if (--open === 0) say('watching')
  }
  for (let index = 0; index < count; index++)
    client.exists(
      `/watched-by-a-peer-with-a-name-as-long-as-those-of-members-with-all-of-their-parts/${index}`,
      () => undefined,
      done,
    )
}

setInterval(() => {
  const began = performance.now()
  client.exists(path, (error, stat) => {
    const ms = Math.round(performance.now() - began)
    say(error ? `call failed ${error}` : `call ${stat === null ? 'missing' : 'listed'} ${ms}`)
  })
}, 250)
