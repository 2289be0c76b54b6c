import { type ChildProcess, spawn } from 'node:child_process'

// Reads "+pid" and "-pid"; at the end of its input, which comes when our process is gone, kills what is left.
const script = `
pids=" "
while read -r line; do
  case $line in
    +*) pids="$pids\${line#+} " ;;
    -*) pid=\${line#-}; case $pids in *" $pid "*) pids="\${pids%% $pid *} \${pids#* $pid }" ;; esac ;;
  esac
done
for pid in $pids; do kill -KILL "-$pid" 2>/dev/null; done
`

let watcher: ChildProcess | undefined

/**
 * Has a process group killed when this process ends, however it ends. An `exit` handler is not enough: a test runner
 * ends a hanging worker with a signal, and the brokers would stay. Returns a function that lets the group go.
 */
export function guard(pid: number | undefined): () => void {
  if (pid === undefined) return () => undefined
  tell(`+${pid}`)
  return () => tell(`-${pid}`)
}

/** Sends a signal to a process group, which may be gone already. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function tell(line: string): void {
  watcher ??= startWatcher()
  watcher.stdin?.write(`${line}\n`)
}

function startWatcher(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  child.unref()
  child.stdin.on('error', () => undefined)
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref()
  return child
}
