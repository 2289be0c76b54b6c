import { expect, it } from 'vitest'
import { createAddressGuard, isCidr, isLoopback, privateNetworks } from '../../src/targets/address-guard.ts'
import { parseAddress } from '../../src/targets/parse-address.ts'

const elsewhere = { isLoopback: false }
const here = { isLoopback: true }
const everything = createAddressGuard(['0.0.0.0/0', '::/0'])

function hostOf(address: string): string {
  return parseAddress(address)?.host ?? address
}

const never: readonly [string, string][] = [
  ['169.254.169.254:80', 'link-local'],
  ['169.254.170.2:80', 'link-local'],
  ['[fd00:ec2::254]:80', 'metadata'],
  ['[FD00:0EC2:0:0:0:0:0:254]:80', 'metadata'],
  ['[fd00:ec2::23]:80', 'metadata'],
  ['[fd20:ce::254]:80', 'metadata'],
  ['100.100.100.200:80', 'metadata'],
  ['192.0.0.192:80', 'metadata'],
  ['168.63.129.16:80', 'metadata'],
  ['0.0.0.0:80', 'unspecified'],
  ['0.1.2.3:80', 'unspecified'],
  ['[::]:80', 'unspecified'],
  ['224.0.0.1:80', 'multicast'],
  ['239.255.255.255:80', 'multicast'],
  ['240.0.0.1:80', 'reserved'],
  ['255.255.255.255:80', 'reserved'],
  ['[ff02::1]:80', 'multicast'],
  ['[fe80::1]:80', 'link-local'],
  ['[febf::1]:80', 'link-local'],
  ['[fec0::1]:80', 'site-local'],
  ['[::ffff:127.0.0.1]:80', 'IPv4 address in IPv6 form'],
  ['[::ffff:169.254.169.254]:80', 'IPv4 address in IPv6 form'],
  ['[::ffff:10.0.0.7]:80', 'IPv4 address in IPv6 form'],
  ['[::FFFF:a00:7]:80', 'IPv4 address in IPv6 form'],
  ['[0:0:0:0:0:ffff:10.0.0.7]:80', 'IPv4 address in IPv6 form'],
  ['[::ffff:0:10.0.0.7]:80', 'IPv4 address in IPv6 form'],
  ['[::127.0.0.1]:80', 'IPv4 address in IPv6 form'],
  ['[::a9fe:a9fe]:80', 'IPv4 address in IPv6 form'],
  ['[64:ff9b::a9fe:a9fe]:80', 'NAT64'],
  ['[64:ff9b:1::a9fe:a9fe]:80', 'NAT64'],
  ['[2002:a9fe:a9fe::1]:80', '6to4'],
  ['[2001:0:1::1]:80', 'Teredo'],
]

it.each(never)('never allows %s', (address, why) => {
  expect(everything(hostOf(address), elsewhere)).toContain(why)
  expect(everything(hostOf(address), here)).toContain(why)
})

it.each(['127.0.0.1', '127.8.9.10', '::1'])('allows loopback %s to callers from loopback only', (ip) => {
  expect(createAddressGuard([])(ip, here)).toBeUndefined()
  expect(everything(ip, elsewhere)).toContain('loopback')
  expect(isLoopback(ip)).toBe(true)
})

it('allows exactly what lies in the networks', () => {
  const guard = createAddressGuard(['10.1.0.0/16', '192.0.2.7/32', 'fd00:1::/32'])

  const allowed = ['10.1.0.0', '10.1.255.255', '192.0.2.7', 'fd00:1::7'].map((ip) => guard(ip, elsewhere))
  const refused = ['10.0.255.255', '10.2.0.0', '192.0.2.6', 'fd00:2::7', 'fd01:1::7'].map((ip) => guard(ip, here))

  expect(allowed).toEqual([undefined, undefined, undefined, undefined])
  expect(refused.every((why) => why?.includes('none of the allowed networks'))).toBe(true)
})

it('allows the private networks and nothing else by default', () => {
  const guard = createAddressGuard(privateNetworks)

  expect(['10.0.0.7', '172.31.0.1', '192.168.1.1', 'fd12::1'].map((ip) => guard(ip, elsewhere))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  expect(['8.8.8.8', '172.32.0.1', '2606:4700::1'].every((ip) => guard(ip, elsewhere) !== undefined)).toBe(true)
})

it('refuses what is no IP address', () => {
  expect(['', 'localhost', '127.1', '0x7f000001', '2130706433'].map((ip) => everything(ip, here))).toEqual([
    '"" is no IP address',
    '"localhost" is no IP address',
    '"127.1" is no IP address',
    '"0x7f000001" is no IP address',
    '"2130706433" is no IP address',
  ])
})

it('knows a CIDR', () => {
  expect(['10.0.0.0/8', '0.0.0.0/0', '10.0.0.7/32', 'fd00::/8', '::/0', '::1/128'].every(isCidr)).toBe(true)
  expect(
    ['10.0.0.7/8', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/-1', 'fd00::/129', 'x/8', '10.0.0.0/8/8'].some(isCidr),
  ).toBe(false)
})
