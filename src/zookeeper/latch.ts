/** Something that happens once, with its reason. */
export function createLatch() {
  let open: (reason: Error) => void = () => undefined
  const opened = new Promise<Error>((resolve) => {
    open = resolve
  })
  return {
    open,
    /** The reason when it has happened; undefined when the signal aborts first. */
    passed: (signal: AbortSignal): Promise<Error | undefined> =>
      new Promise((resolve) => {
        const stop = (): void => resolve(undefined)
        if (signal.aborted) return stop()
        signal.addEventListener('abort', stop, { once: true })
        void opened.then((reason) => {
          signal.removeEventListener('abort', stop)
          resolve(reason)
        })
      }),
  }
}
