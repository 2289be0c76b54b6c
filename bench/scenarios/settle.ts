/** A request over loopback takes two turns of the event loop, its answer two more. */
const QUIET_TURNS = 8
/** What the kernel or the thread pool is still to answer; sockets and timers that merely exist are no work. */
const working = /^(?:FSReq|Zlib|GetAddrInfo|TCPConnectWrap|PipeConnectWrap|WriteWrap|RandomBytes|PBKDF2|ScryptJob)/

/**
 * Waits until this process has come to rest: for some turns of the event loop nothing was under way, and `activity` (any
 * number that grows with the work, such as requests received) stood still.
 */
export async function settle(activity: () => number): Promise<void> {
  let before = activity()
  for (let quiet = 0; quiet < QUIET_TURNS; ) {
    await new Promise((resolve) => setImmediate(resolve))
    const now = activity()
    const isWorking = now !== before || process.getActiveResourcesInfo().some((name) => working.test(name))
    quiet = isWorking ? 0 : quiet + 1
    before = now
  }
}
