import { describe, expect, it } from 'vitest'
import { formatHostPort, hostPorts, parseHostPort, parseListenAddress } from '../../src/config/address.ts'

describe('a listen address', () => {
  it.each([
    [':10390', { port: 10_390 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:1', { host: '::1', port: 1 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
    ['0.0.0.0:65535', { host: '0.0.0.0', port: 65_535 }],
    ['[::]:10390', { host: '::', port: 10_390 }],
  ])('reads %s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address)
    expect(formatHostPort(address)).toBe(text)
  })

  it.each([
    '',
    ':',
    '10390',
    '::1:80',
    '[]:80',
    '[127.0.0.1]:80',
    '1.2.3:80',
    '1.2.3.256:80',
    ':65536',
    ':-1',
    ':1 ',
    'a b:1',
    'http://x:1',
    ':1x',
    'x:',
  ])('refuses %j', (text) => {
    expect(parseListenAddress(text)).toBeUndefined()
  })
})

describe('host and port', () => {
  it.each([
    ['broker1:9092', { host: 'broker1', port: 9092 }],
    ['kafka_1.internal:9092', { host: 'kafka_1.internal', port: 9092 }],
    ['[2001:db8::1]:9092', { host: '2001:db8::1', port: 9092 }],
    ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
  ])('reads %s', (text, address) => {
    expect(parseHostPort(text)).toEqual(address)
  })

  it.each([
    'broker1',
    ':9092',
    'broker1:0',
    'broker1:99999',
    'PLAINTEXT://b:9092',
    'b:9092/x',
    '-b:9092',
    'a..b:1',
    '2001:db8::1:9092',
  ])('refuses %j', (text) => {
    expect(parseHostPort(text)).toBeUndefined()
  })

  it('takes a list, or one text with commas', () => {
    expect(hostPorts().parse('a:1, [::1]:2')).toEqual(['a:1', '[::1]:2'])
    expect(hostPorts().parse(['a:1', 'b:2'])).toEqual(['a:1', 'b:2'])
    expect(hostPorts().safeParse([]).success).toBe(false)
    expect(hostPorts().safeParse('a:1,').success).toBe(false)
  })
})
