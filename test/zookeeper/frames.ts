import { encode, JuteReader } from '../../src/zookeeper/jute.ts'
import {
  type MultiItem,
  type MultiItemResult,
  type MultiReadItem,
  type MultiReadItemResult,
  multiReadReply,
  multiReadRequest,
  multiReply,
  multiRequest,
} from '../../src/zookeeper/multi.ts'
import {
  childrenReply,
  create2Reply,
  createRequest,
  dataReply,
  onlyPath,
  pathAndVersion,
  readRequest,
  setDataRequest,
  watchRequest,
} from '../../src/zookeeper/operations.ts'
import {
  acls,
  authPacket,
  type Codec,
  connectRequest,
  connectResponse,
  replyHeader,
  requestHeader,
  type Stat,
  setWatches,
  stat,
  texts,
  watcherEvent,
} from '../../src/zookeeper/records.ts'

/** One codec with values that use all of it. */
export interface Specimen {
  readonly name: string
  readonly frames: readonly Buffer[]
  /** Writes again what was read. @throws DecodeError */
  roundTrip(frame: Buffer): Buffer
}

function specimen<T>(name: string, codec: Codec<T>, ...values: readonly T[]): Specimen {
  const write = (value: T): Buffer => encode((writer) => codec.write(writer, value))
  return { name, frames: values.map(write), roundTrip: (frame) => write(codec.read(new JuteReader(frame))) }
}

const someStat: Stat = {
  czxid: 1n,
  mzxid: 2n ** 62n,
  ctime: 1_700_000_000_000n,
  mtime: -1n,
  version: 0,
  cversion: 2 ** 31 - 1,
  aversion: -1,
  ephemeralOwner: 0x1000_0000_0000_0001n,
  dataLength: 3,
  numChildren: 2,
  pzxid: 5n,
}
const acl = [
  { perms: 31, scheme: 'world', id: 'anyone' },
  { perms: 1, scheme: 'digest', id: 'ann:x' },
]
const data = Buffer.from([0, 255, 1])
const create = { path: '/a', data, acl, flags: 3 }
const multiItems: readonly MultiItem[] = [
  { type: 'create', ...create },
  { type: 'create2', ...create, data: undefined },
  { type: 'createContainer', ...create },
  { type: 'delete', path: '/b', version: 0 },
  { type: 'check', path: '/c', version: -1 },
  { type: 'setData', path: '/d', data, version: 7 },
]
const multiResults: readonly MultiItemResult[] = [
  { type: 'create', path: '/a', stat: undefined },
  { type: 'create', path: '/a', stat: someStat },
  { type: 'delete' },
  { type: 'check' },
  { type: 'setData', stat: someStat },
  { type: 'error', error: -101 },
]
const reads: readonly MultiReadItem[] = [
  { type: 'getData', path: '/a' },
  { type: 'getChildren', path: '/日本' },
]
const readResults: readonly MultiReadItemResult[] = [
  { type: 'getData', data, stat: someStat },
  { type: 'getData', data: undefined, stat: someStat },
  { type: 'getChildren', children: ['a', 'ü'] },
  { type: 'error', error: -102 },
]
const watched = { relativeZxid: 9n, data: ['/a'], exists: ['/b', '/c'], children: [] }

/** Every codec of the folder. */
export const specimens: readonly Specimen[] = [
  specimen(
    'connectRequest',
    connectRequest,
    { lastZxidSeen: 5n, timeoutMs: 6_000, sessionId: 0n, password: Buffer.alloc(16), readOnly: false },
    { lastZxidSeen: 2n ** 63n - 1n, timeoutMs: 1, sessionId: -1n, password: Buffer.alloc(0), readOnly: true },
  ),
  specimen('connectResponse', connectResponse, {
    timeoutMs: 6_000,
    sessionId: 0x1000_0000_0000_0001n,
    password: Buffer.alloc(16, 7),
    readOnly: false,
  }),
  specimen('requestHeader', requestHeader, { xid: 1, opcode: -11 }),
  specimen('replyHeader', replyHeader, { xid: -8, zxid: -1n, error: -112 }),
  specimen('watcherEvent', watcherEvent, { type: 4, state: 3, path: '/a/ü' }),
  specimen('authPacket', authPacket, { scheme: 'digest', credential: Buffer.from('ann:secret') }),
  specimen('setWatches', setWatches, watched, { ...watched, persistent: ['/p'], recursive: ['/r', '/s'] }),
  specimen('acls', acls, acl, []),
  specimen('stat', stat, someStat),
  specimen('texts', texts, ['a', '', 'ü'], []),
  specimen('createRequest', createRequest, create, { ...create, data: undefined, acl: [] }),
  specimen('create2Reply', create2Reply, { path: '/a0000000001', stat: someStat }),
  specimen('pathAndVersion', pathAndVersion, { path: '/a', version: 0 }),
  specimen('setDataRequest', setDataRequest, { path: '/a', data, version: -1 }),
  specimen('readRequest', readRequest, { path: '/a', watch: true }, { path: '/', watch: false }),
  specimen('onlyPath', onlyPath, '/a/b'),
  specimen('dataReply', dataReply, { data, stat: someStat }, { data: undefined, stat: someStat }),
  specimen('childrenReply', childrenReply, { children: ['a', 'b'], stat: someStat }),
  specimen('watchRequest', watchRequest, { path: '/a', mode: 1 }),
  specimen('multiRequest', multiRequest, multiItems, []),
  specimen('multiReply', multiReply, multiResults),
  specimen('multiReadRequest', multiReadRequest, reads),
  specimen('multiReadReply', multiReadReply, readResults),
]
