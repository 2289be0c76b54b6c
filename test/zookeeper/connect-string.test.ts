import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/runtime/errors.ts'
import { formatServer, parseConnectString } from '../../src/zookeeper/connect-string.ts'

describe('parseConnectString()', () => {
  it('reads hosts, ports, IPv6 addresses and the chroot', () => {
    expect(parseConnectString('h1:2182, h2,[::1]:2181,[fe80::1%eth0]/chroot/inner/')).toEqual({
      servers: [
        { host: 'h1', port: 2182 },
        { host: 'h2', port: 2181 },
        { host: '::1', port: 2181 },
        { host: 'fe80::1%eth0', port: 2181 },
      ],
      chroot: '/chroot/inner',
    })
    expect(parseConnectString('h1:1/')).toMatchObject({ chroot: '' })
  })

  it.each([
    ['', /"", expected host:port/],
    ['h1:2181,,h2', /"", expected host:port/],
    ['h1:0', /"h1:0", expected host:port/],
    ['h1:65536', /"h1:65536"/],
    ['h1:abc', /"h1:abc"/],
    ['::1:2181', /"::1:2181"/],
    ['h1:2181//a', /"\/\/a", expected a path/],
    ['h1:2181/a/../b', /expected a path/],
  ])('refuses %j', (text, problem) => {
    expect(() => parseConnectString(text)).toThrow(ConfigError)
    expect(() => parseConnectString(text)).toThrow(problem)
  })

  it('names a server as it was written', () => {
    expect(formatServer({ host: 'h1', port: 2181 })).toBe('h1:2181')
    expect(formatServer({ host: '::1', port: 2181 })).toBe('[::1]:2181')
  })
})
