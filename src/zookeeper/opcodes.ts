/** Request types. @see ZooDefs.OpCode of ZooKeeper */
export const opcodes = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  createTtl: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  setWatches2: 105,
  addWatch: 106,
  closeSession: -11,
  /** Not a request: marks a failed operation in the answer to a multi. */
  error: -1,
} as const

/** Request numbers with a meaning of their own; all others count up from 1 on each connection. */
export const xids = {
  notification: -1,
  ping: -2,
  auth: -4,
  setWatches: -8,
} as const

/** Types of a watch event. @see Watcher.Event.EventType */
export const eventTypes = {
  created: 1,
  deleted: 2,
  dataChanged: 3,
  childrenChanged: 4,
} as const

/** Modes of addWatch. */
export const watchModes = { persistent: 0, persistentRecursive: 1 } as const

/** Flags of create. @see CreateMode */
export const createFlags = {
  persistent: 0,
  ephemeral: 1,
  persistent_sequential: 2,
  ephemeral_sequential: 3,
  container: 4,
} as const

/** Bits of an ACL entry. */
export const permissions = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

/** A server refuses longer requests by default (`jute.maxbuffer`). */
export const maxRequestBytes = 1_048_575
